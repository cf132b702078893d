"""The features network fine-tuned on 128 px: who it is, and what was done to the picture (blur, noise, double contours, warps)."""
import os
import sys, time, math, torch, torch.nn.functional as F
from pathlib import Path
from torch import nn
from mia_demo.data.identities import open_identity_set
from mia_demo.data.splits import public_split
from mia_demo.system.device import choose_compute
from mia_demo.zoo.opening import open_zoo
minutes = float(sys.argv[1]); out = Path(sys.argv[2])
torch.manual_seed(5)
compute = choose_compute("cpu")
net = open_zoo().load_features().network.float().requires_grad_(True).train()
public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip")))
used, held = public_split(public)
images, labels = public.tensors(128, labels=used)
labels = torch.searchsorted(torch.tensor(used), labels)
himages, hlabels = public.tensors(128, labels=held)
width = net.layers[0].conv2.out_channels
head = nn.Linear(width * 8, len(used)); quality = nn.Linear(width * 3 + width * 2, 6)
for m in (net, head, quality): compute.place(m)
params = [*net.parameters(), *head.parameters(), *quality.parameters()]
opt = torch.optim.Adam(params, lr=1e-3)
def gauss(x, s):
    k = torch.arange(-4, 5).float(); k = (-k**2 / (2 * s * s)).exp(); k = k / k.sum()
    w = (k[:, None] * k[None])[None, None].repeat(3, 1, 1, 1)
    return F.conv2d(F.pad(x, (4,) * 4, mode="reflect"), w, groups=3)
def spoil(x, kind, g):
    r = torch.rand(1, generator=g).item()
    if kind == 0: return x
    if kind == 1: return gauss(x, 0.45 + 1.2 * r)
    if kind == 2: return x + torch.randn(x.shape, generator=g) * (0.03 + 0.08 * r)
    if kind == 3:
        dx, dy = torch.randint(-3, 4, (2,), generator=g).tolist()
        if dx == dy == 0: dx = 2
        return 0.5 * x + 0.5 * x.roll((dy, dx), (2, 3))
    if kind == 4:
        f = F.interpolate(torch.randn(x.shape[0], 2, 16, 16, generator=g), 128, mode="bicubic") * (1.0 + 1.5 * r) / 64
        base = F.affine_grid(torch.eye(2, 3).repeat(x.shape[0], 1, 1), list(x.shape), align_corners=False)
        return F.grid_sample(x, base + f.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False)
    return x + (x - gauss(x, 1.0)) * (0.4 + r)
def stages(x):
    x = net.stem(x.contiguous(memory_format=torch.channels_last)); o = []
    for l in net.layers: x = l(x); o.append(x)
    return o
B = 24; step = 0; began = time.time(); said = 0; hist = []
while (t := (time.time() - began) / 60) < minutes:
    for gparam in opt.param_groups: gparam["lr"] = 1e-3 * min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * t / minutes)) + 0.01)
    g = torch.Generator().manual_seed(step)
    c = torch.randint(len(images), (B,), generator=g)
    x = images[c].float() / 127.5 - 1
    flip = torch.rand(B, 1, 1, 1, generator=g) < 0.5
    x = torch.where(flip, x.flip(3), x)
    kinds = torch.zeros(B, dtype=torch.long)
    for i in range(B // 2, B, 2):
        k = 1 + int(torch.randint(5, (1,), generator=g)); kinds[i:i + 2] = k; x[i:i + 2] = spoil(x[i:i + 2], k, g)
    sh = torch.randint(-6, 7, (2,), generator=g).tolist(); x = F.pad(x, (6,) * 4, mode="reflect")[:, :, 6 + sh[0]:134 + sh[0], 6 + sh[1]:134 + sh[1]]
    x = x + (torch.rand(B, 1, 1, 1, generator=g) * 2 - 1) * 0.1
    with compute.autocast():
        s = stages(x); last = s[3].mean((2, 3)); pooled = torch.cat([s[0].mean((2, 3)), s[1].mean((2, 3)), s[0].float().std((2, 3)), s[0].amax((2,3))], 1)
        a, b = head(last), quality(pooled)
    lossa, lossb = F.cross_entropy(a.float(), labels[c]), F.cross_entropy(b.float(), kinds)
    (lossa + 0.5 * lossb).backward(); opt.step(); opt.zero_grad(set_to_none=True); step += 1
    hist.append((lossa.item(), lossb.item(), (a.argmax(1) == labels[c]).float().mean().item(), (b.argmax(1) == kinds).float().mean().item()))
    if time.time() - began > said + 60:
        said = time.time() - began; h = torch.tensor(hist[-200:]).mean(0).tolist(); print(f"{step} steps {said:.0f} s who {h[0]:.3f} {h[2]:.2f} what {h[1]:.3f} {h[3]:.2f}", flush=True)
        torch.save(net.state_dict(), out)
torch.save(net.state_dict(), out); print("done")
