/** What the command-line framework says about words that are wrong. */
export const usageMessages = {
  unknownCommand: (_name: string) => `Invalid subcommand for lsmkv - use one of 'put', 'get'`,
  missingArgument: (name: string) => `Missing argument <${name}>`,
  unknownOption: (option: string, meant: string) => `unknown argument: '${option}'; the nearest is ${meant}; see`,
  unknownOptionWithValue: (option: string) => `Unknown option ${option}`,
  notAnInteger: (_option: string, value: string) => `'${value}' is not a integer`
}

/** What the library for schemas says about a JSON value of the wrong type. */
export const wrongType = (type: string, value: unknown): string => `Expected ${type}, actual ${value}`
