// @ts-check
/** JSON as people read and type it. */

/** @param {string} text */
export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * For `JSON.stringify`: bytes have no word in JSON and stand as base64.
 * @param {string} _key
 * @param {unknown} value
 */
export function bytesAsBase64(_key, value) {
  if (!(value instanceof Uint8Array)) return value;
  let text = "";
  for (const byte of value) text += String.fromCharCode(byte);
  return { $base64: btoa(text) };
}

/** @param {unknown} value as people read it */
export const shown = (value) => JSON.stringify(value, bytesAsBase64, 2);
