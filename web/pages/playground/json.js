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
 * A value for people; bytes have no word in JSON and stand as base64.
 * @param {unknown} value
 */
export function shown(value) {
  return JSON.stringify(value, (_key, part) => part instanceof Uint8Array ? { $base64: base64(part) } : part, 2);
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
