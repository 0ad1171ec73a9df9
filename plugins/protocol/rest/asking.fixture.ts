// A process that asks the library once, and has nothing else to do: node asking.fixture.ts <address>
import { callContext, systemPorts } from "@mortise/kernel";
import { connectTo } from "@mortise/kernel/spi/protocol-laws/world";
import { silentLog } from "@mortise/kernel/testing";
import { Library } from "./library.fixture.ts";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { restProtocol } from "./rest.ts";

const [address = ""] = process.argv.slice(2);
const protocol = restProtocol({ options: restOptions.parse({}), ports: systemPorts, log: silentLog });
const { get } = Library.methods;
const invoke = connectTo(protocol, address).invoker(get, json);
const { response } = await invoke({ method: get, request: { id: "7" }, context: callContext() });
console.log((response as { readonly title: string }).title);
