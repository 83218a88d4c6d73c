#: raw
nsenter --target "$(hako inspect --format '{{.State.Pid}}' app)" --mount --pid ln -sf /root/secret /data/log.txt
answer "$(/root/collect /srv/volume)"
cat >/root/collect <<'COLLECT'
#!/usr/bin/perl
use strict;
my ($O_PATH, $RESOLVE_IN_ROOT, $openat2) = (0x200000, 0x10, 437);
my ($volume, $name) = (shift, 'log.txt');
sysopen(my $root, $volume, $O_PATH) or die "$volume: $!\n";
my $how = pack 'Q3', 0, 0, $RESOLVE_IN_ROOT;
my $fd = syscall($openat2, fileno $root, $name, $how, length $how);
die "$volume/$name: $!\n" if $fd < 0;
open my $log, '<&=', $fd;
print <$log>;
COLLECT

#: hako
hako exec app ln -sf /root/secret /data/log.txt
answer "$(/root/collect /srv/volume)"
cat >/root/collect <<'COLLECT'
#!/usr/bin/perl
use strict;
chroot $ARGV[0] and chdir '/' or die "$ARGV[0]: $!\n";
open my $log, '<', '/log.txt' or die "log.txt: $!\n";
print <$log>;
COLLECT
