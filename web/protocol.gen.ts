// GENERATED from pysandbox.core by `python -m pysandbox.runtime.generate`. Do not edit: change the source.

export const PROTOCOL = 1;
export const DEFAULT_BOOT_MS = 15000;
export const GRACE_MS = 100;
export const PAGE_MARGIN_MS = 150;
export const HOST_SILENCE_MS = 5000;
export const FLOWS = "flows";
export const PREPARE_MS = 5000;
export const HAND_OVER_MS = 2000;
export const DEFAULT_MEMORY_MB = 64;
export const MIN_MEMORY_MB = 40;
export const MAX_MEMORY_MB = 512;
export const RETRYABLE: readonly string[] = ["BOOT_FAILED", "BOOT_TIMEOUT", "BREAKER_OPEN", "CREDENTIALS_UNAVAILABLE", "FLOW_ABORTED", "FUNCTION_FAILED", "HOST_CRASHED", "INTERNAL_ERROR", "MESSAGE_NOT_SENT", "PLUGIN_ABORTED", "PLUGIN_CRASH_LOOP", "PLUGIN_KILLED", "PLUGIN_TIMEOUT", "RATE_LIMIT", "REQUEST_TIMEOUT", "STATE_UNAVAILABLE", "UPSTREAM_FAILED", "UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE"];
export const MAX_BUFFERS = 16;
export const MAX_BUFFER_BYTES = 67108864;
export const PLUGIN_GATE = {"credit": 264, "maxChars": 16777216, "maxDepth": 34, "maxBuffers": 16, "maxBufferBytes": 67108864};
