import * as Context from "effect/Context"

/** The directory whose packages read other stores: where the user works, unless another is provided. */
export class PackageDirectory extends Context.Reference<PackageDirectory>()("lsmkv/PackageDirectory", {
  defaultValue: (): string => process.cwd()
}) {}
