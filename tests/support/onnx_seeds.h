#pragma once

namespace placer::test {

/// Small models in ONNX's own text, with the ops whose attributes and constants decide shapes.
inline constexpr const char* kOnnxSeeds[] = {
    R"(g (float[2, 4, 9, 9] x, float[4, 2, 3, 3] w = {}, float[4, 2, 2, 2] t = {})
        => (float[N] y, float[N] z) {
      c = Conv <group = 2, strides = [2, 1], pads = [1, 1, 1, 1], dilations = [1, 2]> (x, w)
      u = ConvTranspose <strides = [2, 2], output_padding = [1, 1]> (c, t)
      p = MaxPool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1> (u)
      a = AveragePool <kernel_shape = [2, 2], auto_pad = "SAME_UPPER"> (p)
      q = LpPool <kernel_shape = [2, 2]> (a)
      l = LRN <size = 3> (q)
      d = DepthToSpace <blocksize = 1> (l)
      s = SpaceToDepth <blocksize = 1> (d)
      y = Flatten <axis = 1> (s)
      z = GlobalAveragePool(s) })",
    R"(g (float[2, 6, 4] x, int64[3] r = {2, 3, -1}, int64[3] e = {2, 3, 8}, int64[2] k = {1, 2},
          int64[3] b = {0, 0, 1}, int64[3] f = {2, 2, 7}, int64[6] pad = {0, 1, 0, 0, 1, 0},
          int64[3] n = {1, 2, 1}, int64[1] top = {2}, int64[2] parts = {1, 2},
          int64[2] many = {0, 1}, int64[1] two = {2})
        => (float[N] y, float[N] z, float[N] v, float[N] o) {
      a = Reshape(x, r)
      c = Expand(a, e)
      d = Slice(c, b, f)
      h = Pad(d, pad)
      i = Tile(h, n)
      j = Transpose <perm = [2, 0, 1]> (i)
      y, at = TopK <axis = 0> (j, top)
      l, m = Split <axis = 1> (c, parts)
      z = Concat <axis = 1> (l, m)
      g1 = Gather <axis = 2> (c, many)
      s = ReduceSum(g1, k)
      q = Softmax <axis = -1> (s)
      w = ConstantOfShape(e)
      v = CumSum(q, two)
      shape = Shape(x)
      half = Div(shape, two)
      o = Resize(x, , , half) })",
    R"(g (float[5, 2, 3] x, float[1, 16, 3] w = {}, float[1, 16, 4] r = {}, float[4, 4] m = {},
          bool c)
        => (float[N] y, float[N] z) {
      s, h, n = LSTM <hidden_size = 4> (x, w, r)
      k = Squeeze(s)
      f = MatMul(k, m)
      e = Einsum <equation = "abc,cd->abd"> (f, m)
      g2 = Gemm <transA = 1, alpha = 0.5> (m, m)
      y = LayerNormalization <axis = 1> (e, m)
      z = If (c) <then_branch = a () => (float[4, 4] t) { t = Relu(g2) },
                  else_branch = b () => (float[4, 4] u) { u = Neg(g2) }> })"};

}  // namespace placer::test
