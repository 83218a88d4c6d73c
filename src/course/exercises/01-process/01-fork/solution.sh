#: raw
# In a fresh PID namespace ids are given in order: sh is 1, the mystery 2, and whoever comes after its children has the next one.
answer "$(unshare -pf sh -c '/root/mystery; sh -c "echo \$((\$\$ - 3))"; :')"

#: hako
answer "$(hako ns run --pid sh -c '/root/mystery; sh -c "echo \$((\$\$ - 3))"; :')"
