"""A restorer: the old prior's 64 px pictures -> 128 px, trained on degraded photos, reconstructions and random faces."""
import os
import copy, math, sys, time, torch, torch.nn.functional as F, argparse, json
from pathlib import Path
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from mia_demo.data.identities import open_identity_set
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import public_split
from mia_demo.data.transforms import to_uint8
from mia_demo.metrics.sharpness import octave_powers
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import feature_error
from mia_demo.system.device import choose_compute
from mia_demo.zoo.opening import open_zoo

class Restorer(nn.Module):
    """Detail is grey: photos have no fine detail in colour. Colour is mended at 64 px."""
    def __init__(self, w=(24, 48, 96, 128)):
        super().__init__()
        def block(i, o): return nn.Sequential(nn.Conv2d(i, o, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(o, o, 3, 1, 1), nn.LeakyReLU(0.2))
        self.down = nn.ModuleList([block(3, w[0]), block(w[0], w[1]), block(w[1], w[2]), block(w[2], w[3])])
        self.up = nn.ModuleList([block(w[3] + w[2], w[2]), block(w[2] + w[1], w[1]), block(w[1] + w[0], 2 * w[0])])
        self.colour = nn.Conv2d(2 * w[0], 3, 3, 1, 1); self.fine = nn.Conv2d(2 * w[0], 16, 3, 1, 1)
        self.last = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 16, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 3, 1, 1))
        for c in (self.last[-1], self.colour): nn.init.zeros_(c.weight); nn.init.zeros_(c.bias)
    def forward(self, x):
        given = x; kept = []
        for i, d in enumerate(self.down):
            x = d(x); kept.append(x)
            if i < 3: x = F.avg_pool2d(x, 2)
        for u, k in zip(self.up, (kept[2], kept[1], kept[0])):
            x = u(torch.cat([F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), k], 1))
        base = F.interpolate(given.float() + self.colour(x).float(), scale_factor=2, mode="bicubic", align_corners=False)
        return base + self.last(F.interpolate(F.leaky_relu(self.fine(x), 0.2), scale_factor=2, mode="bilinear", align_corners=False)).float()

class StageCritic(nn.Module):
    """As Projected GAN's: spectral norm and batch norm (of the batch at hand), so that the signal keeps its size."""
    def __init__(self, channels, halvings, width=48):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels)); self.register_buffer("scale", torch.ones(channels))
        layers = [spectral_norm(nn.Conv2d(channels, width, 3, 1, 1)), nn.LeakyReLU(0.2)]
        for _ in range(halvings): layers += [spectral_norm(nn.Conv2d(width, width, 4, 2, 1)), nn.BatchNorm2d(width, track_running_stats=False), nn.LeakyReLU(0.2)]
        layers += [spectral_norm(nn.Conv2d(width, width, 3, 1, 1)), nn.BatchNorm2d(width, track_running_stats=False), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(width, 1, 3, 1, 1))]
        self.layers = nn.Sequential(*layers)
    def forward(self, x): return self.layers((x - self.mean[:, None, None].to(x.dtype)) * self.scale[:, None, None].to(x.dtype)).float().flatten(1)

def octaves(x):
    """Mean power of the two finest Laplacian levels of grey pictures, each picture."""
    x = x.mean(1, keepdim=True); out = []
    for _ in range(2):
        small = F.avg_pool2d(x, 2); out.append((x - F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)).square().mean().add(1e-7).log()); x = small
    return torch.stack(out)

def crops(g, n): return torch.randint(0, 65, (n, 2), generator=g).tolist()
def cut(x, where): return torch.stack([p[:, t:t + 64, l:l + 64] for p, (t, l) in zip(x, where, strict=True)])
def gauss(x, s):
    k = torch.arange(-3, 4).float(); k = (-k**2 / (2 * s * s)).exp(); k = k / k.sum()
    return F.conv2d(F.pad(x, (3,) * 4, mode="reflect"), (k[:, None] * k[None])[None, None].repeat(3, 1, 1, 1), groups=3)
def degrade(x, g):
    u = lambda: torch.rand(1, generator=g).item()
    x = gauss(F.avg_pool2d(x, 2), 0.2 + 0.7 * u())
    n = len(x)
    f = F.interpolate(torch.randn(n, 2, 10, 10, generator=g), 64, mode="bicubic") * (0.5 * u()) / 32
    base = F.affine_grid(torch.eye(2, 3).repeat(n, 1, 1), list(x.shape), align_corners=False)
    x = F.grid_sample(x, base + f.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False)
    def blobs(grid, share): # soft masks that cover about this share
        m = F.interpolate(torch.randn(n, 1, grid, grid, generator=g), 64, mode="bicubic")
        return torch.sigmoid((m - 2.0 * (1 - 2 * share)) * 6)
    grid = int(torch.randint(10, 28, (1,), generator=g))
    c = F.interpolate(torch.randn(n, 3, grid, grid, generator=g), 64, mode="bicubic"); c = c - 0.7 * c.mean(1, keepdim=True)
    amount = torch.rand(n, 1, 1, 1, generator=g)
    x = x + c * (0.04 * amount + 0.3 * torch.rand(n, 1, 1, 1, generator=g) * blobs(10, 0.15))
    mask = blobs(8, 0.3) * torch.rand(n, 1, 1, 1, generator=g)
    x = x + (gauss(x, 1.0 + u()) - x) * mask
    return x + torch.randn(x.shape, generator=g) * (0.02 * u())

if __name__ == "__main__":
    p = argparse.ArgumentParser(); p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--critic", type=float, default=0.03); p.add_argument("--perceptual", type=float, default=1.0); p.add_argument("--fine", type=Path, default=Path(os.environ["WORK"]) / "features128.pt")
    p.add_argument("--power", type=float, default=0.05); p.add_argument("--cache", type=Path, default=Path(os.environ["WORK"]) / "sr_inputs.pt"); p.add_argument("--limit", type=int, default=0); p.add_argument("--start", type=Path)
    A = p.parse_args(); A.out = Path(os.environ["WORK"])
    torch.manual_seed(3); compute = choose_compute("cpu"); zoo = open_zoo(); old = zoo.load_prior().float().requires_grad_(False)
    base = torch.load(os.environ["WORK"] + "/base.pt", weights_only=True); old.load_state_dict(base["new"])
    fine = zoo.load_features(); fine.network.load_state_dict(torch.load(A.fine, weights_only=True), strict=False); fine.requires_grad_(False)
    encoder = Encoder(resolution=128, w_dim=old.w_dim, channel_base=1024, channel_max=192)
    encoder.load_state_dict(base["encoder"])
    net = Restorer(); critics = nn.ModuleList([StageCritic(3, 2), StageCritic(16, 2), StageCritic(32, 1), StageCritic(64, 0)])
    for m in (net, critics, fine, encoder, old): compute.place(m)
    if A.start: net.load_state_dict(torch.load(A.start, weights_only=True))
    average = copy.deepcopy(net).requires_grad_(False)
    public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip"))); used, held = public_split(public)
    if A.limit: used, held = used[:A.limit], held[:A.limit]
    images, _ = public.tensors(128, labels=used); himages, _ = public.tensors(128, labels=held); real_power = octave_powers(himages[:800])
    def draw(ws): return torch.cat([to_uint8(old.synthesize(w, noise_mode="none").float()) for w in ws.split(50)])
    cache = A.cache
    if cache.exists() and not A.limit: rebuilt, faces = torch.load(cache, weights_only=True)
    else:
        with torch.no_grad(), compute.autocast():
            rebuilt = torch.cat([draw(encoder(b.float() / 127.5 - 1)) for b in images.split(50)])
            g = torch.Generator().manual_seed(9); faces = torch.cat([draw(old.mapping(torch.randn(200, old.z_dim, generator=g))[:, 0]) for _ in range(30 if not A.limit else 1)])
        if not A.limit: torch.save([rebuilt, faces], cache)
    print("inputs", rebuilt.shape, faces.shape, flush=True)
    opt = torch.optim.Adam(net.parameters(), 5e-4, betas=(0.5, 0.99)); opt_c = torch.optim.Adam(critics.parameters(), 5e-4, betas=(0.0, 0.99))
    unit = lambda x: x.float() / 127.5 - 1
    stages = lambda x: [((x - F.avg_pool2d(F.pad(x, (2,) * 4, mode="reflect"), 5, 1)) * 8), *fine(x)[:3]]
    with torch.no_grad():
        for c, f in zip(critics, stages(unit(images[:64, :, 32:96, 32:96])), strict=True): c.mean.copy_(f.float().mean((0, 2, 3))); c.scale.copy_(1 / (f.float().std((0, 2, 3)) + 1e-3))
    def look(m, name):
        with torch.no_grad(), compute.autocast(): d = torch.cat([to_uint8(m(unit(b)).float()) for b in faces[:400].split(50)])
        (A.out / f"restored_{name}.png").write_bytes(png(sprite(d[:60].permute(0, 2, 3, 1).contiguous().numpy(), 10)))
        f, s = octave_powers(d); return f"sharpness {f / real_power[0]:.2f} {s / real_power[1]:.2f}"
    D, R, S = 8, 4, 4; step = 0; began = time.time(); shown = saved = began; sums = {}
    while (t := (time.time() - began) / 60) < A.minutes:
        g = torch.Generator().manual_seed(step + 77); rate = min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * t / A.minutes)) + 0.02)
        for o in (opt, opt_c):
            for gr in o.param_groups: gr["lr"] = 5e-4 * rate
        i = torch.randint(len(images), (D + R,), generator=g); real = unit(images[i])
        x = torch.cat([degrade(real[:D], g), unit(rebuilt[i[D:]]), unit(faces[torch.randint(len(faces), (S,), generator=g)])])
        flip = torch.rand(D + R + S, 1, 1, 1, generator=g) < 0.5
        x = torch.where(flip, x.flip(3), x); real = torch.where(flip[: D + R], real.flip(3), real)
        where = crops(g, D + R + S)
        with compute.autocast():
            y = net(x.contiguous(memory_format=torch.channels_last)); patch = cut(y, where); seen = stages(patch)
            with torch.no_grad(): wanted = stages(cut(real, where[: D + R]))
            err = feature_error([s[: D + R] for s in seen[1:]], wanted[1:]); uneven = (octaves(y[D:]) - octaves(real)).abs().mean() + 0.5 * (octaves(y[:D]) - octaves(real[:D])).abs().mean()
            l1 = (y[:D] - real[:D]).abs().mean()
            loose = (F.avg_pool2d(y[D:], 4) - F.avg_pool2d(torch.cat([real[D:], F.interpolate(x[D + R:], scale_factor=2)]), 4)).abs().mean()
            critics.requires_grad_(False); realness = [c(s) for c, s in zip(critics, seen)]; critics.requires_grad_(True)
        loss = l1 + 0.5 * loose + A.perceptual * (err[:D].mean() * 0.7 + err[D:].mean() * 0.3) + A.power * uneven - A.critic * sum(r.mean() for r in realness)
        opt.zero_grad(set_to_none=True); loss.backward(); opt.step()
        with compute.autocast():
            with torch.no_grad(): true = stages(cut(real, crops(g, D + R)))
            loss_c = sum(F.relu(1 - c(a)).mean() + F.relu(1 + c(b.detach())).mean() for c, a, b in zip(critics, true, seen))
        opt_c.zero_grad(set_to_none=True); loss_c.backward(); opt_c.step(); step += 1
        with torch.no_grad():
            b = min(0.995, step / (step + 20)); torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1 - b)
        for k, v in (("l1", l1), ("loose", loose), ("deg", err[:D].mean()), ("reb", err[D:].mean()), ("uneven", uneven), ("critics", loss_c)): sums.setdefault(k, []).append(v.item())
        if time.time() - shown > 60: shown = time.time(); print(f"{step} steps {shown - began:.0f} s " + " ".join(f"{k} {sum(v) / len(v):.4f}" for k, v in sums.items()), flush=True); sums = {}
        if time.time() - saved > 240: saved = time.time(); torch.save(average.state_dict(), A.out / "restorer.pt"); print(look(average, "average"), flush=True)
    torch.save(average.state_dict(), A.out / "restorer.pt"); print("end", look(average, "average"), look(net, "last"), flush=True)
