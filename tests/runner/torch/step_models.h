#pragma once

#include <torch/script.h>

#include <string>

namespace placer::testing_support {

/// Small models in TorchScript source, with the traits that make a step hard to run again: long
/// chains of shared weights, random ops, sizes that follow from data, memory that is shared and
/// overwritten.
inline torch::jit::Module EmptyModule(const std::string& name) {
  torch::jit::Module module(name);
  module.register_attribute("training", c10::BoolType::get(), true);
  return module;
}
inline void AddWeight(torch::jit::Module& module, const std::string& name,
                      std::vector<std::int64_t> shape) {
  const auto fan = static_cast<double>(shape.back());
  module.register_parameter(name, (torch::randn(shape) / std::sqrt(fan)).set_requires_grad(true),
                            /*is_buffer=*/false);
}

/// tokens int64[batch, steps + 1] below 50: predicts each next token.
inline torch::jit::Module LstmLanguageModel() {
  torch::manual_seed(1);
  torch::jit::Module module = EmptyModule("LanguageModel");
  AddWeight(module, "table", {50, 16});
  for (const std::string layer : {"0", "1"}) {
    AddWeight(module, "w" + layer, {64, 16});
    AddWeight(module, "u" + layer, {64, 16});
    AddWeight(module, "b" + layer, {64});
  }
  AddWeight(module, "head", {50, 16});
  module.define(R"JIT(
def cell(self, x, h, c, w, u, b):
    i, f, g, o = (torch.addmm(b, x, w.t()) + torch.mm(h, u.t())).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c

def forward(self, tokens):
    x = torch.embedding(self.table, tokens)
    h0 = torch.zeros_like(x[:, 0])
    c0 = torch.zeros_like(h0)
    h1 = torch.zeros_like(h0)
    c1 = torch.zeros_like(h0)
    loss = torch.zeros([])
    for t in range(tokens.size(1) - 1):
        h0, c0 = self.cell(x[:, t], h0, c0, self.w0, self.u0, self.b0)
        h1, c1 = self.cell(h0, h1, c1, self.w1, self.u1, self.b1)
        logits = torch.mm(h1, self.head.t())
        loss = loss + torch.nll_loss(torch.log_softmax(logits, 1), tokens[:, t + 1])
    return loss
)JIT");
  return module;
}

/// x float32[batch, length, 16].
inline torch::jit::Module TransformerEncoder() {
  torch::manual_seed(2);
  torch::jit::Module module = EmptyModule("Encoder");
  for (const std::string layer : {"0", "1"}) {
    AddWeight(module, "qkv" + layer, {48, 16});
    AddWeight(module, "proj" + layer, {16, 16});
    AddWeight(module, "up" + layer, {32, 16});
    AddWeight(module, "down" + layer, {16, 32});
    AddWeight(module, "scale" + layer, {16});
    AddWeight(module, "shift" + layer, {16});
  }
  module.define(R"JIT(
def layer(self, x, qkv, proj, up, down, scale, shift):
    b, n, d = x.size(0), x.size(1), x.size(2)
    q, k, v = torch.matmul(x, qkv.t()).view(b, n, 3, 4, d // 4).permute(2, 0, 3, 1, 4).unbind(0)
    scores = torch.softmax(torch.matmul(q, k.transpose(2, 3)) * 0.5, 3)
    scores = torch.dropout(scores, 0.1, self.training)
    y = torch.matmul(scores, v).transpose(1, 2).reshape(b, n, d)
    x = torch.layer_norm(x + torch.dropout(torch.matmul(y, proj.t()), 0.1, self.training), [d], scale, shift)
    y = torch.matmul(torch.gelu(torch.matmul(x, up.t())), down.t())
    return torch.layer_norm(x + torch.dropout(y, 0.1, self.training), [d], scale, shift)

def forward(self, x):
    x = self.layer(x, self.qkv0, self.proj0, self.up0, self.down0, self.scale0, self.shift0)
    return (self.layer(x, self.qkv1, self.proj1, self.up1, self.down1, self.scale1, self.shift1) ** 2).mean()
)JIT");
  return module;
}

/// x float32[tokens, 8]. How many tokens an expert gets follows from the data.
inline torch::jit::Module MixtureOfExperts() {
  torch::manual_seed(3);
  torch::jit::Module module = EmptyModule("Mixture");
  AddWeight(module, "router", {8, 3});
  AddWeight(module, "up", {3, 8, 16});
  AddWeight(module, "down", {3, 16, 8});
  module.define(R"JIT(
def forward(self, x):
    gates = torch.softmax(torch.mm(x, self.router), 1)
    best = torch.argmax(gates, 1)
    out = torch.zeros_like(x)
    for e in range(3):
        rows = torch.nonzero(torch.eq(best, e)).squeeze(1)
        y = torch.relu(torch.mm(torch.index_select(x, 0, rows), self.up[e]))
        y = torch.mm(y, self.down[e]) * torch.index_select(gates[:, e], 0, rows).unsqueeze(1)
        out = torch.index_add(out, 0, rows, y)
    return {"y": out, "loss": (out * out).sum()}
)JIT");
  return module;
}

/// image float32[batch, 3, 8, 8]: convolutions side by side, running statistics, in-place ops.
inline torch::jit::Module BranchyNet() {
  torch::manual_seed(4);
  torch::jit::Module module = EmptyModule("BranchyNet");
  for (const std::string branch : {"a", "b", "c"}) {
    torch::jit::Module block = EmptyModule("Block" + branch);
    AddWeight(block, "weight", {4, 3, 3, 3});
    AddWeight(block, "scale", {4});
    AddWeight(block, "shift", {4});
    block.register_buffer("mean", torch::zeros({4}));
    block.register_buffer("var", torch::ones({4}));
    block.define(R"JIT(
def forward(self, x):
    y = torch.conv2d(x, self.weight, None, [1, 1], [1, 1])
    y = torch.batch_norm(y, self.scale, self.shift, self.mean, self.var, self.training, 0.1, 1e-5, False)
    return torch.relu_(y)
)JIT");
    module.register_module(branch, block);
  }
  AddWeight(module, "head", {12, 5});
  module.define(R"JIT(
def forward(self, image):
    a = self.a.forward(image)
    b = torch.max_pool2d(self.b.forward(image), [3, 3], [1, 1], [1, 1])
    x = torch.cat([a, b, self.c.forward(image)], 1)
    x *= 0.5
    logits = torch.mm(x.mean([2, 3]), self.head)
    return logits, a
)JIT");
  return module;
}

/// x float32[4, 6]: parts of one tensor are written through views, and read as a whole.
inline torch::jit::Module ViewWriter() {
  torch::manual_seed(5);
  torch::jit::Module module = EmptyModule("ViewWriter");
  AddWeight(module, "w", {6, 6});
  module.register_buffer("calls", torch::zeros({1}));
  module.define(R"JIT(
def forward(self, x):
    self.calls += 1
    y = torch.zeros_like(x)
    whole = y.view(-1)
    y[0] = torch.mv(self.w, x[0])
    first = whole.clone()
    y[1:3].add_(torch.mm(x[1:3], self.w))
    whole[20:].mul_(2).add_(self.calls)
    return torch.tanh(y), first
)JIT");
  return module;
}

/// x float32[4, 6]: ops that overwrite what their own gradients need.
inline torch::jit::Module Overwriter() {
  torch::manual_seed(6);
  torch::jit::Module module = EmptyModule("Overwriter");
  AddWeight(module, "w", {6, 6});
  AddWeight(module, "gate", {6});
  module.define(R"JIT(
def forward(self, x):
    y = torch.mm(x, self.w)
    y = torch.hardswish_(y)
    y.mul_(self.gate)
    y[1:3].mul_(y[0:2] + 1)
    return y.pow_(2).sum()
)JIT");
  return module;
}

/// x float32[4, 6]: returns an input, a weight and a buffer beside what it works out.
inline torch::jit::Module PassesThrough() {
  torch::manual_seed(7);
  torch::jit::Module module = EmptyModule("PassesThrough");
  AddWeight(module, "w", {6, 6});
  module.register_buffer("scale", torch::rand({6}));
  module.define(R"JIT(
def forward(self, x):
    return torch.mm(x, self.w) * self.scale, x, self.w, self.scale
)JIT");
  return module;
}

}  // namespace placer::testing_support
