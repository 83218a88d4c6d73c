#: raw
mask=$((16#$(awk '/^CapEff/ { print $2 }' /proc/{{fact:pid}}/status)))
names=(chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap)
answer $(for n in "${!names[@]}"; do (( mask >> n & 1 )) && echo "${names[n]}"; done; :)

#: hako
answer $(hako cap show {{fact:pid}} --format json | grep -o '"effective":{"hex":"[0-9a-f]*","names":\[[^]]*\]' | grep -o 'CAP_[A-Z_]*')
