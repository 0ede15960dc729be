/**
 * Bounds what Python adds to the file system. Its files lie in JavaScript's memory, beside the cap of the wasm's.
 *
 * Depth, not a wall: who breaks out of Python into this realm can take it away. What stands behind it is the browser.
 */
// deno-lint-ignore no-explicit-any
type Bag = any;

export interface Files {
  /** From here on so much may be added, in all; what is deleted makes room again. */
  limit(maxBytes: number, maxFiles: number): void;
  /** Names of the limits that were met since the last time, with spaces between. */
  refused(): string;
}

const ENOSPC = 51; // WASI's number

export function boundFiles(FS: Bag): Files {
  const memory = FS.filesystems.MEMFS;
  const { dir, file } = memory.ops_table;
  const most = { fileBytes: Infinity, files: Infinity };
  const used = { fileBytes: 0, files: 0 };
  const met = new Set<string>();

  function need(name: "fileBytes" | "files", more: number): void {
    if (used[name] + more <= most[name]) return;
    met.add(name);
    throw new FS.ErrnoError(ENOSPC);
  }

  function add(name: "fileBytes" | "files", more: number): void {
    used[name] = Math.max(0, used[name] + more);
  }

  /** Runs `change` on a file that may grow to `size`, and counts its bytes. (What is set aside for more: as much again.) */
  function sized<T>(node: Bag, size: number, change: () => T): T {
    const before = node.usedBytes;
    if (size > before) need("fileBytes", size - before);
    const result = change();
    add("fileBytes", node.usedBytes - before);
    return result;
  }

  /** The entry is gone. A file that is still open somewhere keeps its bytes, so they stay counted. */
  function gone(node: Bag): void {
    add("files", -1);
    const open = FS.streams.some((stream: Bag) => stream?.node === node);
    if (FS.isFile(node.mode) && !open) add("fileBytes", -node.usedBytes);
  }

  const { write } = file.stream;
  file.stream.write = (stream: Bag, buffer: Bag, offset: number, length: number, position: number, own: boolean) =>
    sized(stream.node, position + length, () => write(stream, buffer, offset, length, position, own));
  const { resizeFileStorage } = memory;
  memory.resizeFileStorage = (node: Bag, size: number) => sized(node, size, () => resizeFileStorage(node, size));
  for (const name of ["mknod", "symlink"]) {
    const make = dir.node[name];
    dir.node[name] = (...given: Bag[]) => {
      need("files", 1);
      const node = make(...given);
      add("files", 1);
      return node;
    };
  }
  for (const name of ["unlink", "rmdir"]) {
    const remove = dir.node[name];
    dir.node[name] = (parent: Bag, entry: string) => {
      const node = parent.contents[entry];
      remove(parent, entry);
      gone(node);
    };
  }
  const { rename } = dir.node;
  dir.node.rename = (node: Bag, parent: Bag, entry: string) => {
    const replaced = parent.contents[entry];
    rename(node, parent, entry);
    if (replaced !== undefined && replaced !== node) gone(replaced);
  };

  return {
    limit(maxBytes, maxFiles) {
      Object.assign(most, { fileBytes: maxBytes, files: maxFiles });
      Object.assign(used, { fileBytes: 0, files: 0 });
    },
    refused() {
      const names = [...met].join(" ");
      met.clear();
      return names;
    },
  };
}
