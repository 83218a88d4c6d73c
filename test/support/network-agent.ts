/**
 * Serves and calls ports, for tests of networks. Imported, it does so in the test's own network namespace; started as a
 * program (by {@link startAgent}), in the namespace it is started in, at the test's bidding over the IPC channel.
 */
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

export type Protocol = 'tcp' | 'udp';

/** How long an answer is waited for; what a packet filter drops is only known by silence. */
const patience = 400;

/** Answers every caller `NAME to ADDRESS`, with the address that the caller seems to have. */
export async function serve(protocol: Protocol, host: string, port: number, name: string): Promise<() => void> {
  if (protocol === 'udp') {
    const socket = dgram.createSocket({ type: net.isIPv6(host) ? 'udp6' : 'udp4', ipv6Only: net.isIPv6(host) });
    socket.on('message', (_, from) => socket.send(`${name} to ${from.address}`, from.port, from.address));
    socket.bind(port, host);
    await once(socket, 'listening');
    return () => socket.close();
  }
  // It reads to the end of the question, so that a half-closed connection has to be carried as one.
  const server = net.createServer({ allowHalfOpen: true }, (caller) => {
    caller.on('error', () => undefined);
    caller.resume().on('end', () => caller.end(`${name} to ${caller.remoteAddress}`));
  });
  server.listen({ host, port, ipv6Only: true });
  await once(server, 'listening');
  return () => server.close();
}

/** Calls; gives the answer, `silence` where none comes, or the code of the error. */
export function ask(protocol: Protocol, host: string, port: number, localAddress?: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('silence'), patience);
  const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
  let close: () => unknown;
  if (protocol === 'udp') {
    const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    socket.on('message', (data) => resolve(data.toString())).on('error', failed);
    if (localAddress) socket.bind(0, localAddress);
    socket.send('question', port, host);
    close = () => socket.close();
  } else {
    let answer = '';
    const socket = net.connect({ host, port, ...(localAddress ? { localAddress } : {}) });
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('end', () => resolve(answer)).on('error', failed);
    socket.end('question');
    close = () => socket.destroy();
  }
  return promise.finally(() => {
    clearTimeout(timer);
    close();
  });
}

/** The same two, in another network namespace. */
export interface Agent {
  serve(protocol: Protocol, host: string, port: number, name: string): Promise<void>;
  ask(protocol: Protocol, host: string, port: number, localAddress?: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts an agent in a network namespace (by nsenter of util-linux, which every Debian has).
 * @param namespace a descriptor of it, of this process
 */
export async function startAgent(namespace: number): Promise<Agent> {
  const child = spawn('nsenter', [`--net=/proc/${process.pid}/fd/${namespace}`, process.execPath, import.meta.filename], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const answers = new Map<number, (answer: string) => void>();
  child.on('message', ([id, answer]: [number, string]) => answers.get(id)?.(answer));
  let count = 0;
  const request = (...args: readonly (string | number | undefined)[]): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    answers.set(++count, resolve);
    child.send([count, ...args]);
    return promise;
  };
  return {
    serve: async (...args) => {
      const failure = await request('serve', ...args);
      if (failure) throw new Error(`the agent cannot serve ${args.join(' ')}: ${failure}`);
    },
    ask: (...args) => request('ask', ...args),
    stop: async () => {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

if (process.argv[1] === import.meta.filename && process.send) {
  process.on('message', ([id, verb, ...args]: [number, string, Protocol, string, number, string]) => {
    const answer = verb === 'ask' ? ask(...args) : serve(...args).then(() => '');
    answer
      .catch((error: Error) => error.message)
      .then(
        (text) => process.send!([id, text]),
        () => undefined,
      );
  });
  process.on('disconnect', () => process.exit());
}
