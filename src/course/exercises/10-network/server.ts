/**
 * The server of this chapter's scenes: a few lines of perl, which every Debian has. It tells whoever connects a word, and from which address
 * they came: the first shows that the way there and back is whole, the second what was rewritten on it.
 */
import type { Stage } from '../../exercise.ts';

const script = `#!/usr/bin/perl
# serve PORT: tells everybody who connects the word in /root/word, and the address that they came from.
use strict;
use Socket;
my $port = shift or die "usage: serve PORT\\n";
open my $file, '<', '/root/word' or die "/root/word: $!\\n";
chomp(my $word = <$file>);
$SIG{PIPE} = 'IGNORE';
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!\\n";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in($port, INADDR_ANY)) or die "bind to port $port: $!\\n";
listen($server, 16) or die "listen: $!\\n";
while (my $peer = accept(my $client, $server)) {
  my (undef, $address) = sockaddr_in($peer);
  syswrite($client, "$word " . inet_ntoa($address) . "\\n");
  close $client;
}
`;

/** Plants `/root/serve`. @returns the word that it tells */
export async function plantServer(stage: Stage): Promise<string> {
  const word = stage.nonce();
  await stage.sh('printf %s "$SCRIPT" >/root/serve && chmod 755 /root/serve && echo "$WORD" >/root/word', { SCRIPT: script, WORD: word });
  return word;
}

/** Of what the server tells: its word, and where the caller came from. */
export function told(words: string | undefined): { readonly word: string | undefined; readonly from: string | undefined } {
  const [word, from] = (words ?? '').split(' ');
  return { word: word || undefined, from };
}
