export { directoryRegistry } from "@mortise/kernel/runtime";
