/** Every way a configuration can be wrong before the kernel sees it. The key is the code, the value what to do about it. */
export const configCodes = {
  CONFIG_CENTRAL:
    "Write only `policies` and `transactions`, without variables, in central rules; everything else belongs in the app file.",
  CONFIG_DUPLICATE_KEY: "Keep one of the two keys.",
  CONFIG_EMPTY: "Begin the file with `app: <name>`.",
  CONFIG_FILE: "Name an app file, or a profile, that is there and can be read.",
  CONFIG_MISSING: "Write the key.",
  CONFIG_POLICY_TARGET: "Write `*`, a service, a pattern or a method.",
  CONFIG_SET: "Write --set path=value; lists are set as a whole.",
  CONFIG_SYNTAX: "Write YAML with names as keys.",
  CONFIG_TOO_LARGE: "Use fewer values, and no alias within what it stands for.",
  CONFIG_TRANSACTION: "Write the name of a transaction, or `*`.",
  CONFIG_UNKNOWN_KEY: "Use a key of app files; keys of your own begin with `x-`.",
  CONFIG_VARIABLE: "Set the environment variable, or write a default behind its name.",
  CONFIG_WRONG_TYPE: "Write what the message says is taken there.",
  POLICY_INVALID: "Give the field a value its plugin accepts.",
  POLICY_TARGET: "Name a method the service has.",
  POLICY_UNKNOWN: "Use a field that some installed plugin reads; `mortise plugins --json` lists them.",
  POLICY_UNUSED: "A warning: this has no effect as things are.",
  SERVICE_MISSING: "Name a service whose file is there, or say where it is.",
  TRANSACTION_UNUSED: "A warning: no service here begins a transaction of this name, but one of nearly this name.",
} as const;

export type ConfigCode = keyof typeof configCodes;
