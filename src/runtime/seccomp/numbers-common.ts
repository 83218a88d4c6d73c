/**
 * System call numbers that architectures share: since Linux 5.1 a new call has one number everywhere.
 * A number says where the run of names after it starts: `0 read write open` are 0, 1 and 2.
 * Source: scripts/syscall.tbl of Linux.
 */

/** All architectures. */
export const common = `
  424 pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick pidfd_open clone3
  close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule
  landlock_restrict_self 448 process_mrelease futex_waitv set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait
  futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat
  open_tree_attr file_getattr file_setattr listns rseq_slice_yield`;

/** 32-bit architectures: the calls with 64-bit times. */
export const time64 = `
  403 clock_gettime64 clock_settime64 clock_adjtime64 clock_getres_time64 clock_nanosleep_time64 timer_gettime64 timer_settime64 timerfd_gettime64
  timerfd_settime64 utimensat_time64 pselect6_time64 ppoll_time64 416 io_pgetevents_time64 recvmmsg_time64 mq_timedsend_time64 mq_timedreceive_time64
  semtimedop_time64 rt_sigtimedwait_time64 futex_time64 sched_rr_get_interval_time64`;
