// Programs that require this are not modules, and LsmLevel is one: preload.mjs has imported it.
exports.Level = globalThis.LsmLevel
