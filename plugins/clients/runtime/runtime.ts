export { clientsRuntime } from "@mortise/kernel/runtime";
