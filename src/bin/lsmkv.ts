#!/usr/bin/env node
import { createRequire } from "node:module"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { prepareWords } from "./commandLine.js"
import { withPlainConsole } from "./console.js"
import { requestedHelp } from "./help.js"
import { tolerateClosedOutput, writeOutput } from "./output.js"
import { report } from "./report.js"
import { commandDescriptors, rootCommand } from "./rootCommand.js"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const run = Command.run(rootCommand, { name: "lsmkv", version, executable: "lsmkv" })

const [node = "", script = "", ...typed] = process.argv
const words = prepareWords(typed)
const help = requestedHelp(words)
const command = words.find((word) => commandDescriptors.has(word))

// Nothing is logged unless --log-level asks for it, and then to standard error: standard output is for data.
const logging = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.None)
)

// Not NodeContext, whose workers and subprocesses are not needed and take their time to load.
const services = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

const exitCode = tolerateClosedOutput.pipe(
  Effect.zipRight(help === undefined ? withPlainConsole(run([node, script, ...words])) : writeOutput(help)),
  Effect.as(0),
  Effect.catchAllCause(report(command)),
  Effect.provide(Layer.mergeAll(services, CliConfig.layer({ isCaseSensitive: true }), logging))
)

NodeRuntime.runMain(exitCode, {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  // Only a signal ends it otherwise: every failure has become a code.
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 130)
})
