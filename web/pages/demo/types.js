// @ts-check
/**
 * The shapes that the demo uses of pysandbox.js. Types only: this file has no code.
 *
 * @typedef {{ code: string, message: string, retryable?: boolean, details?: { path: string, rule: string, cure: string }[] }} CodedError
 * @typedef {{ bytes: number, peakBytes: number, source: string }} MemoryRecord
 * @typedef {object} Outcome
 * @property {"ok" | "error" | "timeout" | "aborted" | "denied" | "killed" | "unavailable"} status
 * @property {any} [value] what the plugin returned: never trusted, shown as text only
 * @property {CodedError} [error]
 * @property {string} [layer]
 * @property {number} durationMs
 * @property {MemoryRecord} [memory]
 * @property {number} [generation]
 *
 * @typedef {object} Plugin
 * @property {(handler: string, payload: unknown, options?: { timeoutMs?: number }) => Promise<Outcome>} invoke
 * @property {(event: string, listener: (data: any) => void) => void} on
 *
 * @typedef {{ load: (ref: string) => Promise<Plugin>, close: () => Promise<void> }} Sandbox
 * @typedef {{ openSandbox: (options: Record<string, unknown>) => Promise<Sandbox> }} Client
 */
export {};
