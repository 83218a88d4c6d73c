#: raw
mkdir {{cgroup:devices}}/barred
echo 'c 1:5 rwm' > {{cgroup:devices}}/barred/devices.deny

#: hako
hako cgroup make barred devices.deny='c 1:5 rwm'
