/** A root file system for scenes: the machine's /usr beneath a directory, with the usual links and empty places. */

/** Lines of sh(1). @param directory absolute, in the lab */
export const rootfsLines = (directory: string): string => `
mkdir -p ${directory}/usr ${directory}/proc ${directory}/dev ${directory}/sys ${directory}/tmp ${directory}/etc
for link in bin sbin lib lib32 lib64 libx32; do
  if [ -L /$link ]; then cp -P /$link ${directory}/; elif [ -d /$link ]; then mkdir -p ${directory}/$link && mount --bind /$link ${directory}/$link; fi
done
mount --bind /usr ${directory}/usr
touch ${directory}/dev/null
`;
