export { transactionsRuntime } from "@mortise/kernel/runtime";
