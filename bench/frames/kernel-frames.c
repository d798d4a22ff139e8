/*
 * Sends frames through real devices and counts how many arrive, for the packet benchmarks.
 *
 *   kernel-frames raw SIZE SENDER SINK ROTATE HEADER CAPTURE NETNS...
 *   kernel-frames udp SIZE CLIENT SERVER ADDRESS PORT CAPTURE NETNS...
 *
 * `raw` sends an Ethernet frame that begins with HEADER (in hexadecimal; the rest is zeros) by a packet socket on
 * the device SENDER and counts what arrives by the receive counter of SINK, or of all devices whose names begin so when it ends in `*`. With
 * ROTATE n the last two bytes of the destination count upwards through n values, frame by frame. `udp` sends
 * from a socket in the network namespace CLIENT to one in SERVER, which it reads empty after every batch. With
 * CAPTURE 1 a packet ring listens on every device of the namespaces NETNS (names of /run/netns, or `-` for the
 * present one), and every frame is copied out of it.
 *
 * Each line of standard input is a number of CPU seconds. The answer is a line with the frames sent in about
 * that time, the frames that arrived, the CPU seconds of this process (user and system; the softirqs that run
 * in its context are in them), the CPU seconds of the ksoftirqd threads meanwhile (-1 where /proc does not
 * show them), and the frames captured.
 */
#define _GNU_SOURCE
#include "kernel-support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ethernet, IPv4 and UDP headers, bytes. */
enum { BATCH = 64, UDP_HEADERS = 42 };

/* Frames that devices of the present namespace have received. */
static unsigned long long received(const char *device)
{
	char line[512], name[64];
	unsigned long long bytes, packets, sum = 0;
	int found = 0;
	const char *star = strchr(device, '*');
	size_t length = star != NULL ? (size_t)(star - device) : strlen(device) + 1;
	FILE *file = fopen("/proc/thread-self/net/dev", "r");
	if (file == NULL)
		fail("/proc/thread-self/net/dev");
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, " %63[^:]: %llu %llu", name, &bytes, &packets) == 3 && strncmp(name, device, length) == 0) {
			found = 1;
			sum += packets;
		}
	fclose(file);
	if (!found) {
		errno = ENODEV;
		fail("device %s", device);
	}
	return sum;
}

static int sender, receiver = -1;
static const char *sink;
static unsigned rotate, first_destination;
static unsigned long long udp_received;
static unsigned long captured;
static uint8_t bytes[BATCH][SLOT], inbox[BATCH][SLOT];
static struct mmsghdr messages[BATCH], incoming[BATCH];

static void prepare(struct mmsghdr *list, uint8_t (*buffers)[SLOT], struct iovec *vectors, size_t size)
{
	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ buffers[i], size };
		list[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
	}
}

/* Reads the hexadecimal `text` into the beginning of every buffer of the batch. */
static void read_header(const char *text)
{
	size_t length = strlen(text) / 2;
	for (size_t at = 0; at < length; at++)
		if (at >= SLOT || sscanf(text + 2 * at, "%2hhx", &bytes[0][at]) != 1) {
			errno = EINVAL;
			fail("frame %s", text);
		}
	for (int i = 1; i < BATCH; i++)
		memcpy(bytes[i], bytes[0], length);
}

/* The next destinations, for a batch of frames. */
static void rotate_destinations(void)
{
	static unsigned turn;
	for (int i = 0; rotate > 1 && i < BATCH; i++, turn = (turn + 1) % rotate) {
		bytes[i][4] = (first_destination + turn) >> 8;
		bytes[i][5] = (first_destination + turn) & 255;
	}
}

static unsigned long long arrived(void)
{
	return sink != NULL ? received(sink) : udp_received;
}

static void send_batch(void)
{
	rotate_destinations();
	for (int done = 0; done < BATCH;) {
		int count = sendmmsg(sender, messages + done, BATCH - done, 0);
		if (count < 0)
			fail("send");
		done += count;
	}
	for (int count = BATCH; receiver >= 0 && count == BATCH;) {
		count = recvmmsg(receiver, incoming, BATCH, MSG_DONTWAIT, NULL);
		if (count > 0)
			udp_received += count;
	}
	captured += drain_captures();
}

static void open_raw(const char *device)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device) };
	sender = socket(AF_PACKET, SOCK_RAW, 0);
	if (sender < 0 || bind(sender, (struct sockaddr *)&where, sizeof where) < 0)
		fail("packet socket on %s", device);
}

static void open_udp(const char *client, const char *server, const char *address, int port)
{
	int room = 8 << 20;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		fail("address %s", address);
	enter_namespace(server);
	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	if (receiver < 0 || bind(receiver, (struct sockaddr *)&to, sizeof to) < 0)
		fail("receiver");
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	enter_namespace(client);
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	if (sender < 0 || connect(sender, (struct sockaddr *)&to, sizeof to) < 0)
		fail("sender");
	/* Until the neighbours on the way know each other, datagrams are lost. */
	for (int tries = 0; recv(receiver, inbox[0], SLOT, MSG_DONTWAIT) < 0; tries++) {
		if (tries == 100)
			fail("no datagram arrives at %s", address);
		send(sender, "", 1, 0);
		usleep(100000);
	}
	while (recv(receiver, inbox[0], SLOT, MSG_DONTWAIT) >= 0)
		;
}

int main(int argc, char **argv)
{
	static struct iovec out[BATCH], in[BATCH];
	const int rest = 8;
	int raw = argc > 1 && strcmp(argv[1], "raw") == 0;
	if (argc < rest || atoi(argv[2]) < 60 || atoi(argv[2]) > SLOT) {
		fputs("usage: kernel-frames raw SIZE SENDER SINK ROTATE HEADER CAPTURE NETNS...\n"
		      "       kernel-frames udp SIZE CLIENT SERVER ADDRESS PORT CAPTURE NETNS...\n",
		      stderr);
		return 2;
	}
	size_t size = atoi(argv[2]);
	if (atoi(argv[rest - 1]))
		for (int i = rest; i < argc; i++)
			capture_namespace(argv[i]);
	enter_namespace("-");
	if (raw) {
		open_raw(argv[3]);
		sink = argv[4];
		rotate = atoi(argv[5]);
		read_header(argv[6]);
		first_destination = bytes[0][4] << 8 | bytes[0][5];
	} else {
		size -= UDP_HEADERS;
		open_udp(argv[3], argv[4], argv[5], atoi(argv[6]));
	}
	prepare(messages, bytes, out, size);
	prepare(incoming, inbox, in, SLOT);
	char line[64];
	while (fgets(line, sizeof line, stdin) != NULL) {
		double seconds = atof(line), used = 0;
		unsigned long long before = arrived(), frames = 0;
		captured = 0;
		double softirq = ksoftirqd_cpu(), start = process_cpu();
		while (used < seconds) {
			send_batch();
			frames += BATCH;
			used = process_cpu() - start;
		}
		softirq = softirq < 0 ? -1 : ksoftirqd_cpu() - softirq;
		printf("%llu %llu %.6f %.6f %lu\n", frames, arrived() - before, used, softirq, captured);
		fflush(stdout);
	}
	return 0;
}
