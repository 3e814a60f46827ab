/** What the command-line framework says about words that are wrong. */
export const usageMessages = {
  unknownCommand: (name: string) => `Unknown subcommand "${name}" for "lsmkv"`,
  missingArgument: (name: string) => `Missing required argument: ${name}`,
  unknownOption: (option: string, meant: string) =>
    `Unrecognized flag: ${option} in command lsmkv scan (did you mean ${meant}?); see lsmkv scan --help`,
  unknownOptionWithValue: (option: string) => `Unrecognized flag: ${option} in command lsmkv`,
  notAnInteger: (option: string, value: string) => `Invalid value for flag --${option}: "${value}"`
}

/** What the library for schemas says about a JSON value of the wrong type. */
export const wrongType = (type: string, _value: unknown): string => `Expected ${type}`
