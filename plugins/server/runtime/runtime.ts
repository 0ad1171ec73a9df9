export { serverRuntime } from "@mortise/kernel/runtime";
