export { policiesConfig } from "@mortise/kernel/runtime";
