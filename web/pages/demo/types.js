// @ts-check
/**
 * The page client's own types, under the names that the demo uses. Types only: this file has no code.
 *
 * @typedef {import("../../pysandbox.d.ts").Outcome} Outcome
 * @typedef {import("../../pysandbox.d.ts").Plugin} Plugin
 * @typedef {import("../../pysandbox.d.ts").Sandbox} Sandbox
 * @typedef {import("../../pysandbox.d.ts").SandboxOptions} SandboxOptions
 * @typedef {import("../../pysandbox.d.ts").SecurityAlert} SecurityAlert
 * @typedef {typeof import("../../pysandbox.d.ts")} Client
 * @typedef {import("../../pysandbox.d.ts").ErrorDetail} ErrorDetail
 * @typedef {import("../../pysandbox.d.ts").OutcomeError & { details?: ErrorDetail[] }} CodedError
 */
export {};
