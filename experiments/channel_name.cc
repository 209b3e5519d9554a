#include "experiments/channel_name.h"

namespace placer {

std::string ChannelName(const Cluster& cluster, Channel channel) {
  const Link& link = cluster.links()[channel / 2];
  if (link.shared) {
    return link.name;
  }
  return channel % 2 == 0 ? link.name + " " + link.a + "->" + link.b
                          : link.name + " " + link.b + "->" + link.a;
}

}  // namespace placer
