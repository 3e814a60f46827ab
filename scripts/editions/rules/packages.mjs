// Members of the modules of Effect's packages.
import ts from "typescript"

export const members = {
  "@effect/cli/Command": {
    // Command.run(command, { name, version })(words) to Command.run(command, { version })
    run: ({ call, drop, edits, rename, target }) => {
      rename(target)
      if (call === undefined || !ts.isCallExpression(call.parent)) return
      const [name, version] = call.arguments[1].properties
      edits.replace(name.getStart(), version.getStart(), "")
      edits.replace(call.end, call.parent.end, "")
      drop(call.parent.arguments)
    }
  },
  "@effect/cli/Options": {
    choice: "Literals",
    choiceWithValue: "ChoiceWithValue",
    text: "String",
    integer: "Int"
  },
  "@effect/experimental/EventJournal": { makeEntryId: "makeEntryIdUnsafe", makeRemoteId: "makeRemoteIdUnsafe" },
  "@effect/experimental/Persistence": { ResultPersistence: "Persistence" },
  "@effect/platform-node/NodeRuntime": {
    // runMain(effect, { disablePrettyLogger: true, … }) to runMain(effect, { … }), which has no such logger
    runMain: ({ call, edits, rename, target }) => {
      rename(target)
      const properties = call?.arguments[1]?.properties ?? []
      const index = properties.findIndex(({ name }) => name.getText() === "disablePrettyLogger")
      if (index >= 0) edits.replace(properties[index].getStart(), properties[index + 1].getStart(), "")
    }
  },
  "@effect/platform-node/NodeStream": {
    // fromReadable(evaluate, onError, { … }) to fromReadable({ evaluate, onError, … })
    fromReadable: ({ call, edits, rename, target }) => {
      rename(target)
      const [evaluate, onError, options] = call.arguments
      edits.insert(evaluate.getStart(), "{ evaluate: ")
      edits.insert(onError.getStart(), "onError: ")
      edits.replace(options.getStart(), options.getStart() + 1, "")
    }
  },
  "@effect/platform-node/NodeWorker": { layerPlatform: "layer" },
  "@effect/platform/Worker": { PlatformWorker: "WorkerPlatform" },
  "@effect/platform/WorkerRunner": { PlatformRunner: "WorkerRunnerPlatform" },
  // Stream({ success, failure }) to Stream(success, failure)
  "@effect/rpc/RpcSchema": {
    Stream: ({ call, edits, rename, target }) => {
      rename(target)
      const [object] = call.arguments
      const [success, failure] = object.properties.map(({ initializer }) => initializer)
      edits.replace(object.getStart(), success.getStart(), "")
      edits.replace(success.end, failure.getStart(), ", ")
      edits.replace(failure.end, object.end, "")
    }
  },
  "@effect/workflow/Workflow": {
    // make({ name, … }) to make(name, { … })
    make: ({ call, edits, rename, source, target }) => {
      rename(target)
      const [object] = call.arguments
      const [name, next] = object.properties
      const text = name.initializer === undefined ? name.name.text : source.slice(name.initializer.getStart(), name.end)
      edits.replace(object.getStart(), next.getStart(), `${text}, { `)
    }
  }
}
