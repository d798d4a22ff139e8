/*
 * Sends frames through simulated devices of ns-3 and counts how many arrive, for the packet benchmarks.
 *
 *   ns3-frames C SIZE     raw Ethernet: host, CSMA link, learning bridge, CSMA link, host
 *   ns3-frames D SIZE     UDP from a socket to a socket: bridge with an address on a router, two more routers
 *
 * Each line of standard input is a number of CPU seconds; the answer is a line with the frames sent in about
 * that time, those that arrived, and the CPU seconds of this process. The arrival of a frame sends the next
 * one, so that exactly one is under way, as in the other benchmarks.
 */
#include "ns3/bridge-module.h"
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <sys/resource.h>

using namespace ns3;

namespace
{
/** An EtherType for experiments (IEEE 802), as in the other benchmarks. */
const uint16_t EXPERIMENT = 0x88b5;
const uint32_t BATCH = 2000;

double
ProcessCpu()
{
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

CsmaHelper
Wire()
{
    CsmaHelper wire;
    wire.SetChannelAttribute("DataRate", StringValue("100Gbps"));
    wire.SetChannelAttribute("Delay", TimeValue(NanoSeconds(0)));
    return wire;
}

/** One frame at a time: `send` is called anew when one has arrived, until `left` is 0. */
struct Traffic
{
    std::function<void()> send;
    uint64_t left = 0;
    uint64_t sent = 0;
    uint64_t arrived = 0;

    void Next()
    {
        if (left == 0)
            return;
        left--;
        sent++;
        send();
    }

    void Arrived()
    {
        arrived++;
        Simulator::ScheduleNow(&Traffic::Next, this);
    }
};

Traffic traffic;

bool
Received(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&)
{
    traffic.Arrived();
    return true;
}

/** The devices at both ends of a link between two nodes, each a CSMA channel of its own. */
NetDeviceContainer
Link(Ptr<Node> a, Ptr<Node> b)
{
    return Wire().Install(NodeContainer(a, b));
}

void
BuildBridge(uint32_t size)
{
    NodeContainer nodes;
    nodes.Create(3);
    NetDeviceContainer left = Link(nodes.Get(0), nodes.Get(1));
    NetDeviceContainer right = Link(nodes.Get(2), nodes.Get(1));
    BridgeHelper().Install(nodes.Get(1), NetDeviceContainer(left.Get(1), right.Get(1)));
    Ptr<NetDevice> source = left.Get(0);
    Ptr<NetDevice> sink = right.Get(0);
    sink->SetReceiveCallback(MakeCallback(&Received));
    // The bridge learns where the receiver is from a frame of its own.
    Simulator::ScheduleNow([=]() { sink->Send(Create<Packet>(46), source->GetAddress(), EXPERIMENT); });
    Simulator::Run();
    const uint32_t header = 14;
    traffic.send = [=]() { source->Send(Create<Packet>(size - header), sink->GetAddress(), EXPERIMENT); };
}

void
Address4(NetDeviceContainer devices, const char* network)
{
    Ipv4AddressHelper(network, "255.255.255.0").Assign(devices);
}

void
DefaultRoute(Ptr<Node> node, const char* gateway, uint32_t interface)
{
    Ipv4StaticRoutingHelper().GetStaticRouting(node->GetObject<Ipv4>())->SetDefaultRoute(gateway, interface);
}

void
BuildRouters(uint32_t size)
{
    NodeContainer nodes;
    nodes.Create(5);
    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.SetRoutingHelper(Ipv4StaticRoutingHelper());
    stack.Install(nodes);
    NetDeviceContainer port = Link(nodes.Get(0), nodes.Get(1));
    NetDeviceContainer bridge = BridgeHelper().Install(nodes.Get(1), NetDeviceContainer(port.Get(1)));
    Address4(NetDeviceContainer(NetDeviceContainer(port.Get(0)), bridge), "10.0.0.0");
    Address4(Link(nodes.Get(1), nodes.Get(2)), "10.0.1.0");
    Address4(Link(nodes.Get(2), nodes.Get(3)), "10.0.2.0");
    Address4(Link(nodes.Get(3), nodes.Get(4)), "10.0.3.0");
    const uint32_t left = 1;
    const uint32_t right = 2;
    DefaultRoute(nodes.Get(0), "10.0.0.2", left);
    DefaultRoute(nodes.Get(1), "10.0.1.2", right);
    DefaultRoute(nodes.Get(2), "10.0.2.2", right);
    DefaultRoute(nodes.Get(3), "10.0.3.2", right);
    DefaultRoute(nodes.Get(4), "10.0.3.1", left);
    const uint16_t discard = 9;
    Ptr<Socket> sink = Socket::CreateSocket(nodes.Get(4), UdpSocketFactory::GetTypeId());
    sink->Bind(InetSocketAddress(Ipv4Address::GetAny(), discard));
    sink->SetRecvCallback(MakeCallback(+[](Ptr<Socket> socket) {
        while (socket->Recv())
            traffic.Arrived();
    }));
    Ptr<Socket> source = Socket::CreateSocket(nodes.Get(0), UdpSocketFactory::GetTypeId());
    source->Connect(InetSocketAddress(Ipv4Address("10.0.3.2"), discard));
    const uint32_t headers = 42;
    traffic.send = [=]() { source->Send(Create<Packet>(size - headers)); };
}
} // namespace

int
main(int argc, char** argv)
{
    const std::string path = argc == 3 ? argv[1] : "";
    if (path != "C" && path != "D")
    {
        std::cerr << "usage: ns3-frames C|D SIZE\n";
        return 2;
    }
    const uint32_t size = std::atoi(argv[2]);
    if (path == "C")
        BuildBridge(size);
    else
        BuildRouters(size);
    std::string line;
    while (std::getline(std::cin, line))
    {
        const double seconds = std::atof(line.c_str());
        const uint64_t sent = traffic.sent;
        const uint64_t arrived = traffic.arrived;
        const double start = ProcessCpu();
        double used = 0;
        while (used < seconds)
        {
            traffic.left = BATCH;
            Simulator::ScheduleNow(&Traffic::Next, &traffic);
            Simulator::Run();
            used = ProcessCpu() - start;
        }
        std::cout << traffic.sent - sent << ' ' << traffic.arrived - arrived << ' ' << used << std::endl;
    }
    Simulator::Destroy();
    return 0;
}
