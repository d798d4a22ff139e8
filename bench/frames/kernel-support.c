/* Errors, CPU time, namespaces and captures for kernel-frames.c. */
#define _GNU_SOURCE
#include "kernel-support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 1024, MAX_RINGS = 64, MAX_KSOFTIRQD = 1024 };

void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("kernel-frames: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
	exit(1);
}

double process_cpu(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int ksoftirqd[MAX_KSOFTIRQD];
static int ksoftirqds = -1;

static void find_ksoftirqd(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	ksoftirqds = 0;
	if (proc == NULL)
		return;
	while ((entry = readdir(proc)) != NULL && ksoftirqds < MAX_KSOFTIRQD) {
		char path[300], name[32] = "";
		snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
		FILE *comm = fopen(path, "r");
		if (comm == NULL)
			continue;
		if (fgets(name, sizeof name, comm) != NULL && strncmp(name, "ksoftirqd/", 10) == 0)
			ksoftirqd[ksoftirqds++] = atoi(entry->d_name);
		fclose(comm);
	}
	closedir(proc);
}

/* The first number of /proc/PID/schedstat: nanoseconds on a CPU. */
double ksoftirqd_cpu(void)
{
	double sum = 0;
	if (ksoftirqds < 0)
		find_ksoftirqd();
	if (ksoftirqds == 0)
		return -1;
	for (int i = 0; i < ksoftirqds; i++) {
		char path[64];
		unsigned long long ns = 0;
		snprintf(path, sizeof path, "/proc/%d/schedstat", ksoftirqd[i]);
		FILE *file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%llu", &ns) == 1)
			sum += ns / 1e9;
		fclose(file);
	}
	return sum;
}

static int start_namespace = -1;

void enter_namespace(const char *name)
{
	char path[300];
	if (start_namespace < 0)
		start_namespace = open("/proc/self/ns/net", O_RDONLY);
	snprintf(path, sizeof path, "/run/netns/%s", name);
	int fd = strcmp(name, "-") == 0 ? dup(start_namespace) : open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail("namespace %s", name);
	close(fd);
}

struct ring {
	int fd;
	uint8_t *slots;
	unsigned next;
};

static struct ring rings[MAX_RINGS];
static int ring_count;

static void add_ring(unsigned ifindex)
{
	if (ring_count == MAX_RINGS) {
		errno = ENOSPC;
		fail("captures on more than %d devices", MAX_RINGS);
	}
	struct ring *ring = &rings[ring_count++];
	int version = TPACKET_V2;
	struct tpacket_req request = {
		.tp_block_size = SLOT * 32, .tp_block_nr = SLOTS / 32, .tp_frame_size = SLOT, .tp_frame_nr = SLOTS
	};
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex };
	ring->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (ring->fd < 0 || setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0)
		fail("packet ring");
	ring->slots = mmap(NULL, (size_t)SLOT * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->slots == MAP_FAILED || bind(ring->fd, (struct sockaddr *)&where, sizeof where) < 0)
		fail("packet ring on device %u", ifindex);
}

void capture_namespace(const char *name)
{
	enter_namespace(name);
	struct if_nameindex *devices = if_nameindex();
	for (struct if_nameindex *device = devices; device->if_index != 0; device++)
		add_ring(device->if_index);
	if_freenameindex(devices);
}

unsigned long drain_captures(void)
{
	unsigned long captured = 0;
	static uint8_t kept[SLOT];
	for (int i = 0; i < ring_count; i++) {
		struct ring *ring = &rings[i];
		for (;;) {
			uint8_t *slot = ring->slots + (size_t)SLOT * ring->next;
			struct tpacket2_hdr *header = (struct tpacket2_hdr *)slot;
			if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
				break;
			memcpy(kept, slot + header->tp_mac, header->tp_snaplen);
			__atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			ring->next = (ring->next + 1) % SLOTS;
			captured++;
		}
	}
	return captured;
}
