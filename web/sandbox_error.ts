import { RETRYABLE } from "./protocol.gen.ts";
import type { ErrorDetail } from "./pysandbox.d.ts";

/** A failure with a stable code; the message says what to do. */
export class SandboxError extends Error {
  readonly retryable: boolean;

  constructor(readonly code: string, message: string, readonly details: ErrorDetail[] = []) {
    super(message);
    this.name = "SandboxError";
    this.retryable = RETRYABLE.includes(code);
  }
}
