/* What kernel-frames.c needs beside its sockets. */
#ifndef KERNEL_SUPPORT_H
#define KERNEL_SUPPORT_H

/* Longest frame, bytes. */
enum { SLOT = 2048 };

/* Prints the message and the text of errno, and ends the program with status 1. */
void fail(const char *format, ...);

/* CPU seconds of this process so far, user and system. */
double process_cpu(void);

/* CPU seconds of the ksoftirqd threads so far, -1 where /proc does not show them. */
double ksoftirqd_cpu(void);

/* Enters a network namespace by its name in /run/netns; "-" is the one that the process began in. */
void enter_namespace(const char *name);

/* Listens with a packet ring on every device of a namespace. */
void capture_namespace(const char *name);

/* Takes every frame out of every ring, as a program that keeps them would; returns how many. */
unsigned long drain_captures(void);

#endif
