import { Argument, Command, CommanderError, Help, Option } from "commander";
import { type ExitCode, exitCodes, UserError } from "./exit.ts";
import { logLevels } from "./log.ts";
import { misuseOf } from "./misuse.ts";
import type { World } from "./world.ts";

/** Runs one command line. Gives the exit code; only a mistake in Mortise or a plugin shows a stack. */
export async function runCommand(args: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = describe(world, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return explainFailure(error, world);
  }
}

function explainFailure(error: unknown, { terminal }: World): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage; // has spoken itself
  const mistake = error instanceof UserError ? error : misuseOf(error);
  if (mistake) {
    terminal.err(`${terminal.styledErr("red", "error:")} ${mistake.message}`);
    return mistake.exitCode;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  terminal.err(`${terminal.styledErr("red", "This is a mistake in Mortise or in a plugin, not yours:")}\n${stack}`);
  return exitCodes.bug;
}

const plainHelp = new Help();

type Ended = (code: ExitCode) => void;

/** The command modules are imported when they are run, so that none of them costs the others time. */
function describe(world: World, ended: Ended): Command {
  const program = new Command("mortise")
    .description("Runs and inspects apps made of plugins and services.")
    .exitOverride()
    .configureHelp({ optionDescription: (option) => plainHelp.optionDescription(option).replace(" (default: [])", "") })
    .configureOutput({
      writeOut: (text) => world.terminal.out(text.trimEnd()),
      writeErr: (text) => world.terminal.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error:/, world.terminal.styledErr("red", "error:"))),
    })
    .showHelpAfterError("Add --help to see how it is used.");
  appCommand(program, "start", "Starts an app and follows changes of its files.")
    .addOption(new Option("--log-level <level>", "what is logged").choices([...logLevels]).default("info"))
    .addOption(new Option("--log-format <format>", "how it is logged").choices(["text", "json"]))
    .option("--start-timeout <seconds>", "how long one plugin may take to start", "30")
    .option("--no-watch", "do not follow changes of the files")
    .action(async (file, options) => ended(await (await import("./commands/start.ts")).start(world, file, options)));
  appCommand(program, "check", "Checks an app without starting it.").action(async (file, options) =>
    ended(await (await import("./commands/check.ts")).check(world, file, options)),
  );
  appCommand(
    program,
    "explain",
    "Shows what an app is made of, the way of calls of one method, or how a transaction is driven, and why.",
  )
    .argument("[target]", "service/method, for example shop.order.v1.Orders/place, or the name of a transaction")
    .option("--json", "print it as JSON")
    .option("--no-central", "leave out the central rules")
    .action(async (file, target, options) =>
      ended(await (await import("./commands/explain.ts")).explain(world, file, target, options)),
    );
  configCommands(program, world, ended);
  txCommands(program, world, ended);
  program
    .command("plugins")
    .description("Lists the plugins that can be used here, or in an app.")
    .argument("[file]", "an app file: also lists the plugins it names")
    .option("--json", "print a JSON array, with the JSON Schema of all options")
    .action(async (file, options) =>
      ended(await (await import("./commands/plugins.ts")).plugins(world, file, options)),
    );
  program
    .command("call")
    .description("Calls a method of a running app and prints the answer as JSON.")
    .argument("<method>", "service/method, for example shop.order.v1.Orders/place")
    .argument("[json]", "the request; several on lines of their own for a stream; - reads them from standard input")
    .option("--address <host:port>", "where to call; what is served there is asked by gRPC reflection")
    .option("--app <file>", "call what the registry of this app knows, with its protocols and policies")
    .option("--profile <name>", "lay <file>.<name>.yaml over the app file")
    .option("--set <path=value>", "lay a value over the app file (repeatable)", collect, [])
    .option("--contract <module>", "the module that exports the contract, instead of reflection")
    .option("--protocol <name>", "the protocol at the address", "grpc")
    .option("--metadata <name=value>", "a header to send (repeatable)", collect, [])
    .option("--timeout <ms>", "how long the call may take; by default 10000 for one answer")
    .action(async (method, json, options) =>
      ended(await (await import("./commands/call.ts")).call(world, method, json, options)),
    );
  program
    .command("proto")
    .description("Writes the .proto files of contracts, which stand beside them.")
    .argument("[modules...]", "TypeScript modules with contracts; without them, those in the output folder")
    .option("--out <folder>", "where the .proto files stand", "proto")
    .option("--check", "change nothing, and fail if a file is not what its contract says")
    .option("--aot", "also write codecs for places that forbid code from text")
    .action(async (modules, options) =>
      ended(await (await import("./commands/proto.ts")).proto(world, modules, options)),
    );
  program
    .command("schema")
    .description("Prints the JSON Schema of app files, for editors.")
    .argument("[file]", "an app file: also knows the plugins it names")
    .action(async (file) => ended(await (await import("./commands/schema.ts")).schema(world, file)));
  return program;
}

/** `mortise config …`: the central rules of an app. */
function configCommands(program: Command, world: World, ended: Ended): void {
  const config = program
    .command("config")
    .description("Reads and changes the central rules of an app, for all its processes.");
  const commands = () => import("./commands/config.ts");
  const publishing = (command: Command) =>
    command
      .option("--by <name>", "who changes them; by default the user of this system")
      .option("--note <text>", "why")
      .option("--after <version>", "publish only if this is still the newest version")
      .option("--force", "also rules that are empty, or of which no name is known here");
  publishing(appCommand(config, "put", "Checks rules against the app and publishes them."))
    .argument("<rules>", "a YAML file with policies and transactions; - is standard input")
    .action(async (file, rules, options) => ended(await (await commands()).put(world, file, rules, options)));
  publishing(appCommand(config, "rollback", "Publishes an earlier version again."))
    .argument("<version>", "the number of a version")
    .action(async (file, version, options) => ended(await (await commands()).rollback(world, file, version, options)));
  appCommand(config, "get", "Prints the rules.")
    .argument("[version]", "the number of a version; by default the newest")
    .action(async (file, version, options) => ended(await (await commands()).get(world, file, version, options)));
  appCommand(config, "history", "Lists the versions, with who, when and why.")
    .option("--json", "print them as JSON, with their texts")
    .action(async (file, options) => ended(await (await commands()).history(world, file, options)));
  appCommand(config, "status", "Shows which version each process runs, and which it refuses and why.")
    .option("--json", "print it as JSON")
    .action(async (file, options) => ended(await (await commands()).status(world, file, options)));
}

/** `mortise tx …`: transactions of a running app. */
function txCommands(program: Command, world: World, ended: Ended): void {
  const tx = program.command("tx").description("Shows and steers the transactions of a running app.");
  const commands = () => import("./commands/tx.ts");
  const gid = "the id of a transaction, or at least the last 8 signs of it";
  const choosing = (command: Command) =>
    command
      .option("--name <name>", "only transactions of this name")
      .option("--strategy <name>", "only those of this strategy");
  const listing = (command: Command) =>
    choosing(command)
      .option("--status <status>", "only in this status (repeatable); by default all that have not ended", collect, [])
      .option("--all", "also what has ended")
      .option("--stuck", "only what needs a person")
      .option("--older-than <time>", "only what was begun at least so long ago: 90s, 5m, 2h, 1d")
      .option("--limit <count>", "at most so many, the oldest first", "100");
  const acting = (command: Command) =>
    command
      .option("--by <name>", "who acts; by default the user of this system")
      .option("--reason <text>", "why; it is noted with the act");
  const insisting = (command: Command) =>
    command
      .option("--by <name>", "who acts; by default the user of this system")
      .requiredOption("--reason <text>", "why; it is noted with the act");
  listing(txCommand(tx, "list", "Lists transactions, by default those that have not ended."))
    .option("--json", "print them as JSON")
    .action(async (options) => ended(await (await commands()).list(world, options)));
  txCommand(tx, "counts", "Counts what has not ended, by name, strategy and status.")
    .option("--json", "print them as JSON")
    .action(async (options) => ended(await (await commands()).counts(world, options)));
  txCommand(tx, "show", "Shows one transaction: its branches, what participants know of them, what happened when.")
    .argument("<gid>", gid)
    .option("--input", "only the input it was begun with, as JSON, without what the contract calls sensitive")
    .option("--json", "print it as JSON")
    .action(async (id, options) => ended(await (await commands()).show(world, id, options)));
  const many = {
    retry: "Makes a transaction due at once, and what of it waits in an outbox.",
    pause: "Has nobody take a transaction on until it is resumed; who works on it now goes on.",
    resume: "Lets a paused transaction go on.",
  } as const;
  for (const what of ["retry", "pause", "resume"] as const)
    acting(choosing(txCommand(tx, what, many[what])))
      .argument("[gid]", `${gid}; without it all open ones of --name or --strategy`)
      .action(async (id, options) => ended(await (await commands()).act(world, what, id, options)));
  insisting(txCommand(tx, "force", "Commits or aborts a transaction that is undecided."))
    .argument("<gid>", gid)
    .addArgument(new Argument("<outcome>", "what it is to become").choices(["commit", "abort"]))
    .action(async (id, outcome, options) => ended(await (await commands()).force(world, id, outcome, options)));
  insisting(txCommand(tx, "close", "Ends a decided transaction, or one branch of it, by hand."))
    .argument("<gid>", gid)
    .option("--branch <id>", "only this branch counts as done, and the rest goes on")
    .action(async (id, options) => ended(await (await commands()).close(world, id, options)));
  acting(txCommand(tx, "sweep", "Tells which branches nobody asks about any more, and with --end ends them."))
    .option("--end", "bring them to the end their transaction has decided")
    .option("--foreign", "with --end: take back what another coordinator keeps as well, which is gone for good")
    .option("--closed", "also what a person has closed, which is left alone otherwise")
    .option("--participant <name>", "only at this participant")
    .option("--older-than <time>", "leave alone what is younger", "1m")
    .option("--json", "print it as JSON")
    .action(async (options) => ended(await (await commands()).sweep(world, options)));
  txCommand(tx, "reconcile", "Tells where participants have something else than was decided.")
    .option("--name <name>", "only transactions of this name")
    .option("--participant <name>", "only branches of this participant")
    .option("--newer-than <time>", "only transactions less than so old: 90s, 5m, 2h, 1d")
    .option("--json", "print it as JSON")
    .action(async (options) => ended(await (await commands()).reconcile(world, options)));
  listing(txCommand(tx, "export", "Prints what happened to transactions, one event a line, as JSON."))
    .argument("[gids...]", "ids of transactions, or their ends; without them those the options choose")
    .action(async (ids, options) => ended(await (await commands()).exportHistory(world, ids, options)));
}

function txCommand(tx: Command, name: string, description: string): Command {
  return tx
    .command(name)
    .description(description)
    .option("--app <file>", "ask where the registry of this app says")
    .option("--address <host:port>", "ask this process")
    .option("--profile <name>", "lay <file>.<name>.yaml over the app file")
    .option("--set <path=value>", "lay a value over the app file (repeatable)", collect, [])
    .option("--protocol <name>", "the protocol at the address", "grpc")
    .option("--metadata <name=value>", "a header to send (repeatable)", collect, [])
    .option("--timeout <ms>", "how long an answer may take; by default 10000");
}

function appCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("<file>", "the app file, for example shop.yaml")
    .option("--profile <name>", "lay <file>.<name>.yaml over it")
    .option("--set <path=value>", "lay a value over it, for example use.loadbalancer=random (repeatable)", collect, []);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
