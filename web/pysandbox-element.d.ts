/** pysandbox-element.js: importing it defines `<pysandbox-plugin>`, which shows what a plugin draws. See docs/drawing.md. */
import type { Sandbox } from "./pysandbox.d.ts";

/** What `failed` tells. */
export interface PluginFailure {
  code: string;
  message: string;
  retryable: boolean;
}

/**
 * Attributes: `plugin`, the plugin's id or `ID@VERSION`; `draw`, the handler that draws, `draw` by default.
 * Events: `drawn`, whose `detail` is the `Outcome`, or null where the plugin drew by itself; `failed`, whose `detail`
 * is a `PluginFailure`.
 */
export class PysandboxPluginElement extends HTMLElement {
  /** An open sandbox; as soon as it is set, the plugin is loaded and drawn. Removing the element unloads the plugin. */
  sandbox: Sandbox | null;
  /** What the handler gets as `payload["payload"]`, JSON. Setting it draws again. */
  payload: unknown;
  /** The attribute `plugin`. */
  plugin: string;
  /** Draws again. */
  redraw(): Promise<void>;
}

declare global {
  interface HTMLElementTagNameMap {
    "pysandbox-plugin": PysandboxPluginElement;
  }
}
