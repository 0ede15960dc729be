/**
 * Gives buffers' memory back now. An idle cell may not see a garbage collection for minutes, and `transfer(0)` leaves the
 * browser's own reference to the bytes; what is moved into a port whose other end is closed is dropped at once.
 */
export function free(...buffers: ArrayBuffer[]): void {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(null, buffers);
  port1.close();
}
