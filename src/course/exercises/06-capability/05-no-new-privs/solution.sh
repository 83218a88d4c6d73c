#: raw
setpriv --reuid 65534 --regid 65534 --clear-groups \
  --inh-caps=-all,+net_bind_service --ambient-caps=+net_bind_service --no-new-privs \
  perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die $!; sleep 1000' &

#: hako
hako cap run --user 65534:65534 --ambient net_bind_service --permitted net_bind_service --effective net_bind_service --no-new-privs -- \
  perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die $!; sleep 1000' &
