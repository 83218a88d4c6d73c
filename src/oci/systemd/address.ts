/** Where systemd listens: the system's bus or a user's, or the socket of its own that it has for root. */
import { existsSync } from 'node:fs';
import { OciError } from '../error.ts';
import { Bus } from './bus.ts';

/** systemd's own socket, for root, also before there is a bus. */
const privateSocket = '/run/systemd/private';

/** A connection, and whether there is systemd alone at the other end. */
export interface Connected {
  readonly bus: Bus;
  readonly direct: boolean;
}

/**
 * Connects to the system's manager, or to that of the user's session.
 * @param rootless the user's
 * @throws OciError where nobody listens
 */
export async function connectToManager(rootless: boolean): Promise<Connected> {
  const paths = rootless ? userSockets() : systemSockets();
  const failures: string[] = [];
  for (const path of paths) {
    try {
      return { bus: await Bus.connect(path), direct: false };
    } catch (error) {
      failures.push(`${path.replace('\0', '@')}: ${(error as Error).message}`);
    }
  }
  if (!rootless && existsSync(privateSocket)) return { bus: await Bus.connect(privateSocket, true), direct: true };
  const hint = rootless ? 'is there a session of this user (loginctl), and XDG_RUNTIME_DIR set?' : 'does systemd run here?';
  throw new OciError(`systemd can not be reached to make the cgroup (${failures.join('; ') || 'no bus is known'}): ${hint}`);
}

function systemSockets(): string[] {
  const address = process.env['DBUS_SYSTEM_BUS_ADDRESS'];
  return address ? pathsOf(address) : ['/run/dbus/system_bus_socket'];
}

function userSockets(): string[] {
  const address = process.env['DBUS_SESSION_BUS_ADDRESS'];
  if (address) return pathsOf(address);
  const runtimeDirectory = process.env['XDG_RUNTIME_DIR'] || `/run/user/${process.getuid!()}`;
  return [`${runtimeDirectory}/bus`];
}

/** The unix sockets of an address, `unix:path=/run/…,guid=…;unix:abstract=…`. D-Bus specification, "Server Addresses". */
export function pathsOf(address: string): string[] {
  return address.split(';').flatMap((one) => {
    const [, parameters] = /^unix:(.*)$/.exec(one) ?? [];
    const values = new Map((parameters ?? '').split(',').map((pair) => pair.split('=') as [string, string | undefined]));
    const text = (key: string): string | undefined => {
      const value = values.get(key);
      return value && decodeURIComponent(value.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
    };
    const [path, abstract] = [text('path'), text('abstract')];
    return path ? [path] : abstract ? [`\0${abstract}`] : [];
  });
}
