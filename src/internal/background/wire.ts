/**
 * Messages between a store and its background thread. They are plain data, which `postMessage`
 * copies. This module is loaded in the thread too, so it imports nothing of Effect: a thread that
 * loads Effect takes five times as long to start.
 */
import { type FlushRequest, type MergeRequest, SegmentFailure } from "../../core/jobs/tableJobs.js"
import { CorruptionFailure, FormatFailure, StorageFailure } from "../../core/storage/failure.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"

export type ToThread =
  | { readonly kind: "merge"; readonly id: number; readonly request: MergeRequest }
  | { readonly kind: "flush"; readonly id: number; readonly request: FlushRequest }
  | { readonly kind: "cancel"; readonly id: number }

export type FromThread =
  | { readonly kind: "ready" }
  | { readonly kind: "written"; readonly id: number; readonly result: WriterJobResult }
  | { readonly kind: "cancelled"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly failure: EncodedFailure }

/** A copied Error loses its class and fields, so they are sent as data. */
export type EncodedFailure =
  | {
      readonly kind: "storage"
      readonly operation: string
      readonly path: string
      readonly code: string
      readonly cause: unknown
    }
  | {
      readonly kind: "corruption"
      readonly file: string
      readonly offset: number
      readonly region: string
      readonly reason: string
    }
  | { readonly kind: "format"; readonly file: string; readonly version: number }
  | { readonly kind: "segment"; readonly reason: string }
  | { readonly kind: "defect"; readonly error: unknown }

export const encodeFailure = (failure: unknown): EncodedFailure => {
  if (failure instanceof StorageFailure) {
    const { operation, path, code, cause } = failure
    return { kind: "storage", operation, path, code, cause }
  }
  if (failure instanceof CorruptionFailure) {
    const { file, offset, region, reason } = failure
    return { kind: "corruption", file, offset, region, reason }
  }
  if (failure instanceof FormatFailure) return { kind: "format", file: failure.file, version: failure.version }
  if (failure instanceof SegmentFailure) return { kind: "segment", reason: failure.message }
  return { kind: "defect", error: failure instanceof Error ? failure : String(failure) }
}

export const decodeFailure = (encoded: EncodedFailure): unknown => {
  switch (encoded.kind) {
    case "storage": {
      const { operation, path, code, cause } = encoded
      return new StorageFailure(operation, path, code, cause === undefined ? undefined : { cause })
    }
    case "corruption":
      return new CorruptionFailure(encoded.file, encoded.offset, encoded.region, encoded.reason)
    case "format":
      return new FormatFailure(encoded.file, encoded.version)
    case "segment":
      return new SegmentFailure(encoded.reason)
    case "defect":
      return encoded.error
  }
}
