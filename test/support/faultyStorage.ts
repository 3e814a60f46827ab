import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LsmError, Storage } from "effect-lsm"

/** What the store asks of its files. */
export interface Operation {
  readonly operation: "open" | "create" | "read" | "append" | "sync" | "sync directory" | "rename" | "remove" | "list"
  readonly path: string
}

/** A file system in memory that refuses what it is told to refuse, and knows which files are open. */
export interface FaultyStorage {
  readonly layer: Layer.Layer<Storage.Storage>
  readonly service: Storage.StorageService
  /** The code of the error for an operation, or undefined to let it be. */
  refuse: (operation: Operation) => string | undefined
  /** Delays the end of a sync until the promise is fulfilled. */
  hold: (operation: Operation) => Promise<void> | undefined
  readonly open: ReadonlyMap<number, string>
  readonly operations: ReadonlyArray<Operation>
}

export const makeFaultyStorage: Effect.Effect<FaultyStorage> = Effect.map(Storage.makeMemory, (memory) => {
  const open = new Map<number, string>()
  const operations: Array<Operation> = []
  let handles = 0

  const ask = (operation: Operation["operation"], path: string): Storage.StorageFailure | undefined => {
    operations.push({ operation, path })
    const code = self.refuse({ operation, path })
    return code === undefined ? undefined : new Storage.StorageFailure(operation, path, code)
  }
  const expect = (operation: Operation["operation"], path: string): void => {
    const failure = ask(operation, path)
    if (failure !== undefined) throw failure
  }
  const check = (operation: Operation["operation"], path: string) =>
    Effect.suspend(() => {
      const code = ask(operation, path)?.code
      if (code === undefined) return Effect.void
      return Effect.fail(
        code === "ENOSPC"
          ? new LsmError.DiskFull({ operation, path })
          : new LsmError.StorageError({ operation, path, code })
      )
    })

  const wrap = (file: Storage.StorageFile): Storage.StorageFile => {
    const handle = ++handles
    const { path } = file
    open.set(handle, path)
    return {
      path,
      size: () => file.size(),
      read: (target, offset, length, position) => {
        expect("read", path)
        return file.read(target, offset, length, position)
      },
      append: (source, offset, length) => {
        const failure = ask("append", path)
        if (failure === undefined) return file.append(source, offset, length)
        file.append(source, offset, length >>> 1)
        throw failure
      },
      sync: (done) => {
        const failure = ask("sync", path)
        const end = () => (failure === undefined ? file.sync(done) : memory.driver.turn(() => done(failure)))
        const held = self.hold({ operation: "sync", path })
        if (held === undefined) end()
        else held.then(end)
      },
      close: () => {
        open.delete(handle)
        file.close()
      }
    }
  }

  const service: Storage.StorageService = {
    ...memory,
    driver: {
      turn: memory.driver.turn,
      openRead: (path) => {
        expect("open", path)
        return wrap(memory.driver.openRead(path))
      },
      create: (path) => {
        expect("create", path)
        return wrap(memory.driver.create(path))
      }
    },
    list: (path) => Effect.zipRight(check("list", path), memory.list(path)),
    rename: (from, to) => Effect.zipRight(check("rename", from), memory.rename(from, to)),
    remove: (path) => Effect.zipRight(check("remove", path), memory.remove(path)),
    syncDirectory: (path) => Effect.zipRight(check("sync directory", path), memory.syncDirectory(path))
  }
  const self: FaultyStorage = {
    service,
    layer: Layer.succeed(Storage.Storage, service),
    refuse: () => undefined,
    hold: () => undefined,
    open,
    operations
  }
  return self
})
