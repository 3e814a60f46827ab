import { viewOf } from "../bytes/bytes.js"
import { FrameType, findFrame, frameHeaderSize, provesSynced, readFrame, sealFrame } from "../log/frame.js"
import type { ClosedSegment } from "../log/logSegment.js"
import { CorruptionFailure } from "../storage/failure.js"
import {
  decodeFileHeader,
  encodeFileHeader,
  expectHeader,
  fileHeaderSize,
  formatVersion,
  manifestVersionWithAllKinds,
  manifestVersionWithValues,
  saltOf
} from "../storage/fileHeader.js"
import type { StorageFile } from "../storage/storageDriver.js"
import { Version, versionFault } from "./version.js"
import { decodeVersionEdit, encodeVersionEdit, type History, type VersionEdit } from "./versionEdit.js"

/** The state that a manifest records. */
export interface ManifestState {
  readonly nextFileNumber: number
  readonly flushedSequence: number
  readonly segments: ReadonlyArray<number>
  readonly version: Version
  /** The last segment of the log when the log was last closed cleanly. */
  readonly closed: ClosedSegment | undefined
  /** The latest time that was recorded; see `VersionEdit`. Default 0. */
  readonly time?: number | undefined
  /** Set if the store is a copy, or was salvaged or cut; see `History`. */
  readonly history?: History | undefined
}

export const emptyState: ManifestState = {
  nextFileNumber: 1,
  flushedSequence: 0,
  segments: [],
  version: Version.empty,
  closed: undefined
}

export const applyEdit = (state: ManifestState, edit: VersionEdit): ManifestState => {
  const removed = new Set(edit.removedSegments)
  const history = edit.history ?? state.history
  return {
    nextFileNumber: Math.max(state.nextFileNumber, edit.nextFileNumber),
    flushedSequence: Math.max(state.flushedSequence, edit.flushedSequence),
    segments: [...state.segments.filter((segment) => !removed.has(segment)), ...edit.addedSegments],
    version: state.version.apply(edit),
    closed: edit.closed ?? state.closed,
    ...((edit.time !== undefined || state.time !== undefined) && { time: Math.max(edit.time ?? 0, state.time ?? 0) }),
    ...(history !== undefined && { history })
  }
}

/** Returns the whole state as one edit: the first record of a manifest. */
export const snapshotEdit = (state: ManifestState): VersionEdit => ({
  nextFileNumber: state.nextFileNumber,
  flushedSequence: state.flushedSequence,
  addedSegments: state.segments,
  removedSegments: [],
  added: state.version.levels.flatMap((tables, level) => tables.map((table) => ({ level, table }))),
  removed: [],
  valueFiles: [...state.version.valueFiles.values()],
  closed: state.closed,
  ...(state.time !== undefined && { time: state.time }),
  ...(state.history !== undefined && { history: state.history })
})

/** The oldest format version in which a manifest can describe a state. */
export const manifestVersionFor = ({ history, version }: ManifestState): number => {
  if (history !== undefined || version.needsAllKinds) return manifestVersionWithAllKinds
  return version.valueFiles.size > 0 ? manifestVersionWithValues : formatVersion
}

/**
 * Appends edits to a manifest file. The file is a file header, followed by one frame for each edit.
 * The first edit holds the whole state.
 *
 * The file has the oldest format version that can describe the state, which earlier releases may read.
 * An edit that needs a newer one needs a new manifest.
 */
export class ManifestWriter {
  private size = 0
  private synced = 0
  private readonly salt: number
  readonly version: number

  constructor(
    readonly file: StorageFile,
    readonly fileNumber: number,
    storeId: Uint8Array,
    state: ManifestState
  ) {
    this.salt = saltOf(storeId)
    this.version = manifestVersionFor(state)
    file.append(encodeFileHeader({ kind: "manifest", fileNumber, storeId }, this.version), 0, fileHeaderSize)
    this.size = fileHeaderSize
    this.append(snapshotEdit(state))
  }

  get length(): number {
    return this.size
  }

  append(edit: VersionEdit): void {
    const payload = encodeVersionEdit(edit, this.version)
    const frame = new Uint8Array(frameHeaderSize + payload.length)
    frame.set(payload, frameHeaderSize)
    sealFrame(viewOf(frame), 0, payload.length, FrameType.record, this.synced, this.salt, this.fileNumber, this.size)
    this.file.append(frame, 0, frame.length)
    this.size += frame.length
  }

  /** Must be called after a sync of everything appended. */
  markSynced(): void {
    this.synced = this.size
  }
}

export interface ManifestContents {
  readonly state: ManifestState
  readonly storeId: Uint8Array
  /** Bytes of a torn last edit, which never took effect. */
  readonly tornBytes: number
}

/**
 * Reads a whole manifest. `hasHeader` is false if the header is known to be damaged. The checksums
 * of the edits still prove that they belong to the store.
 *
 * @throws CorruptionFailure, FormatFailure
 */
export const readManifest = (
  bytes: Uint8Array,
  fileNumber: number,
  storeId: Uint8Array,
  file: string,
  hasHeader = true
): ManifestContents => {
  if (hasHeader) expectHeader(decodeFileHeader(bytes, "manifest", file), fileNumber, storeId, file)
  const salt = saltOf(storeId)
  let state = emptyState
  let offset = fileHeaderSize
  for (;;) {
    const frame = readFrame(bytes, offset, salt, fileNumber)
    if (frame === undefined) break
    const edit =
      frame.type === FrameType.record ? decodeVersionEdit(bytes, frame.payloadStart, frame.payloadEnd) : undefined
    if (edit === undefined) throw new CorruptionFailure(file, offset, "manifest edit", "malformed")
    state = applyEdit(state, edit)
    offset = frame.payloadEnd
  }
  if (offset === fileHeaderSize) throw new CorruptionFailure(file, offset, "manifest edit", "the first edit is damaged")
  if (offset < bytes.length && provesSynced(bytes, offset, salt, fileNumber) !== "unproven") {
    throw new CorruptionFailure(file, offset, "manifest edit", "a damaged edit before synced ones")
  }
  const fault = versionFault(state.version)
  if (fault !== undefined) throw new CorruptionFailure(file, offset, "manifest edit", fault)
  return { state, storeId, tornBytes: bytes.length - offset }
}

/**
 * Returns the files that the sound edits of a damaged manifest removed. An edit counts only if the
 * tables that it added exist, or were removed by a later edit. An edit whose sync failed may be in
 * the file although it never took effect.
 */
export const removedFiles = (
  bytes: Uint8Array,
  fileNumber: number,
  storeId: Uint8Array,
  isThere: (table: number) => boolean
): { readonly tables: ReadonlySet<number>; readonly segments: ReadonlySet<number> } => {
  const salt = saltOf(storeId)
  const edits: Array<VersionEdit> = []
  let frame = findFrame(bytes, fileHeaderSize, salt, fileNumber)
  for (; frame !== undefined; frame = findFrame(bytes, frame.payloadEnd, salt, fileNumber)) {
    const edit = decodeVersionEdit(bytes, frame.payloadStart, frame.payloadEnd)
    if (edit !== undefined) edits.push(edit)
  }
  const tables = new Set<number>()
  const segments = new Set<number>()
  for (const edit of edits.reverse()) {
    const added = edit.added.map(({ table }) => table.fileNumber)
    if (!added.every((table) => isThere(table) || tables.has(table))) continue
    for (const removed of edit.removed) if (!added.includes(removed.fileNumber)) tables.add(removed.fileNumber)
    for (const segment of edit.removedSegments) segments.add(segment)
  }
  return { tables, segments }
}
