/**
 * The framing of a container's output where stdout and stderr share a connection: 8 bytes (stream number, three zeros,
 * length in big endian), then the data. https://docs.docker.com/reference/api/engine/version/v1.50/#tag/Container/operation/ContainerAttach
 */

const headerSize = 8;

/**
 * Takes bytes as they come, in any pieces, and gives each stream's data as soon as it is there; a frame is never gathered.
 * @param onData receives the stream's number (1 stdout, 2 stderr, 3 an error of the engine's) and a piece of its data
 */
export function demultiplexer(onData: (stream: number, data: Buffer) => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(headerSize);
  let headerBytes = 0;
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (left > 0) {
        const end = Math.min(at + left, chunk.length);
        onData(header[0]!, chunk.subarray(at, end));
        left -= end - at;
        at = end;
        continue;
      }
      const taken = chunk.copy(header, headerBytes, at, at + headerSize - headerBytes);
      headerBytes += taken;
      at += taken;
      if (headerBytes < headerSize) return;
      headerBytes = 0;
      if (header[0]! > 3) throw new Error(`the engine's stream is broken: no stream has the number ${header[0]}`);
      left = header.readUInt32BE(4);
    }
  };
}
