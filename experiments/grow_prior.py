"""Experiment: the shipped 64 px prior grown by a block of 16 channels to 128 px.

    python grow_prior.py DATA OUT --minutes 150 [--texture 0.5] [--detail 0.03] ...

Phase 1 (--encoder-kimg): an encoder learns to read what the prior draws (w is known there) and real
photos. Phase 2: all of the synthesis network learns: pixels (half, quarter, eighth size: where a
hair lies exactly must not be punished, or all becomes blur), face features at 64 px, local texture
(Gram matrices of two Laplacian levels' and the stem's responses in windows of 16 px), feature
critics and critics of the two finest Laplacian levels, on random faces and on reconstructions.
Everything is resumable from OUT/state.pt; OUT/log.txt, OUT/samples_*.png, OUT/average.safetensors.
"""
import argparse, copy, json, math, time
from pathlib import Path
import torch, torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from safetensors.torch import save_file
from mia_demo.data.identities import open_identity_set
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import public_split
from mia_demo.data.transforms import to_uint8
from mia_demo.metrics.prior_quality import sample_images
from mia_demo.metrics.sharpness import octave_powers
from mia_demo.models.critics import FeatureCritics
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import feature_error
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import choose_compute
from mia_demo.training.prior_losses import augment
from mia_demo.zoo.opening import open_zoo

p = argparse.ArgumentParser()
p.add_argument("data", type=Path); p.add_argument("out", type=Path)
p.add_argument("--minutes", type=float, default=150)
p.add_argument("--encoder-kimg", type=float, default=30)
p.add_argument("--rate", type=float, default=0.004); p.add_argument("--critic-rate", type=float, default=0.001)
p.add_argument("--texture", type=float, default=0.5); p.add_argument("--detail", type=float, default=0.03)
p.add_argument("--features", type=float, default=2.0); p.add_argument("--critic", type=float, default=0.1)
p.add_argument("--rebuilt-critic", type=float, default=0.5, help="share of the critics' weight on reconstructions")
p.add_argument("--noise", type=float, default=0.1); p.add_argument("--ema-kimg", type=float, default=5.0)
p.add_argument("--decay-kimg", type=float, default=60.0)
p.add_argument("--batch", type=int, default=16); p.add_argument("--sampled", type=int, default=8)
p.add_argument("--limit", type=int, default=0, help="identities, for a trial")
p.add_argument("--seed", type=int, default=0)
A = p.parse_args()
A.out.mkdir(parents=True, exist_ok=True)
compute = choose_compute("cpu"); zoo = open_zoo()
features = zoo.load_features()
old = zoo.load_prior()
torch.manual_seed(A.seed)
new = Generator(z_dim=old.z_dim, w_dim=old.w_dim, resolution=128, channel_base=2048, channel_max=192, mapping_layers=old.mapping.num_layers)
kept = {k: v.float() for k, v in old.state_dict().items() if k in new.state_dict() and new.state_dict()[k].shape == v.shape}
missing = [k for k in new.state_dict() if k not in kept]
assert all(".b128." in k for k in missing), missing
new.load_state_dict(kept, strict=False)
nn.init.zeros_(new.synthesis.b128.torgb.weight)
old = old.float()
encoder = Encoder(resolution=128, w_dim=old.w_dim, channel_base=1024, channel_max=192)


class DetailCritic(nn.Module):
    """A Laplacian level [B, 3, R, R] -> realness of patches; group normalised, no spectral norm but at the end."""
    def __init__(self, width=32):
        super().__init__()
        def layer(i, o, s): return [nn.Conv2d(i, o, 3 + (s == 2), s, 1), nn.GroupNorm(4, o), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layer(3, width, 1), *layer(width, width, 2), *layer(width, 2 * width, 2), *layer(2 * width, 2 * width, 1), spectral_norm(nn.Conv2d(2 * width, 1, 3, 1, 1)))
    def forward(self, x): return self.net(x).float().flatten(1)


def levels(x):
    """The two finest Laplacian levels of pictures at 128 px."""
    out = []
    for _ in range(2):
        small = F.avg_pool2d(x, 2)
        out.append(x - F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False))
        x = small
    return out


def half(x): return F.avg_pool2d(x, 2)


def texture(a, b):
    """Relative difference of local statistics of two batches of pictures in [-1, 1]."""
    total = 0
    for one, two, window in zip(levels(a), levels(b), (16, 8), strict=True):
        g = []
        for level in (one, two):
            grey = level.mean(1, keepdim=True)
            # edge responses in four directions and the level itself
            dx, dy = grey - grey.roll(1, 3), grey - grey.roll(1, 2)
            d1, d2 = grey - grey.roll((1, 1), (2, 3)), grey - grey.roll((1, -1), (2, 3))
            f = torch.cat([grey, dx, dy, d1, d2], 1)
            pair = (f[:, :, None] * f[:, None]).flatten(1, 2)
            g.append(F.avg_pool2d(pair, window, window // 2))
        # square root of power: an error of twice the power must not drown one of half
        def root(t): return t.sign() * (t.abs() + 1e-6).sqrt()
        ra, rb = root(g[0]), root(g[1])
        total = total + (ra - rb).abs().mean() / rb.abs().mean().clamp_min(1e-4)
    return total / 2


def pixels(a, b):
    """Shape from half size down; colour, which has no fine detail in photos, at full size."""
    chroma = ((a - a.mean(1, keepdim=True)) - (b - b.mean(1, keepdim=True))).abs().mean()
    return sum((F.avg_pool2d(a, s) - F.avg_pool2d(b, s)).abs().mean() for s in (2, 4, 8)) / 3 + chroma


critics = FeatureCritics(features.shapes(64)); details = nn.ModuleList([DetailCritic(), DetailCritic()])
for m in (new, encoder, critics, details, features, old): compute.place(m)
average = copy.deepcopy(new).requires_grad_(False).eval(); old.requires_grad_(False)
adam = lambda m, lr, b: torch.optim.Adam(m.parameters(), lr=lr, betas=b)
opts = {"synthesis": adam(new.synthesis, A.rate, (0.9, 0.99)), "encoder": adam(encoder, 0.01, (0.9, 0.99)),
        "critics": adam(critics, A.critic_rate, (0.0, 0.99)), "details": adam(details, A.critic_rate, (0.0, 0.99))}
parts = {"new": new, "average": average, "encoder": encoder, "critics": critics, "details": details, **{f"{k}_opt": v for k, v in opts.items()}}
step, spent = 0, 0.0
state = A.out / "state.pt"
if state.exists():
    s = torch.load(state, weights_only=True); step, spent = s["step"], s["spent"]
    for k, v in parts.items(): v.load_state_dict(s[k])
def save():
    tmp = state.with_suffix(".tmp"); torch.save({"step": step, "spent": spent, **{k: v.state_dict() for k, v in parts.items()}}, tmp); tmp.replace(state)
    save_file({k: v.half().contiguous() for k, v in average.state_dict().items()}, A.out / "average.safetensors")

public = open_identity_set(sorted(A.data.glob("public_*.zip")))
used, held = public_split(public)
if A.limit: used, held = used[:A.limit], held[:A.limit]
images, _ = public.tensors(128, labels=used); held_images, _ = public.tensors(128, labels=held)
real_power = octave_powers(held_images[:800])
log = (A.out / "log.txt").open("a")
def say(t): log.write(t + "\n"); log.flush(); print(t, flush=True)
say(json.dumps({k: str(v) for k, v in vars(A).items()}) + f" images {len(images)}")
def look(generator, name):
    with torch.no_grad():
        drawn = sample_images(generator, 120, compute, seed=1)
    f, s = octave_powers(drawn)
    (A.out / f"samples_{name}.png").write_bytes(png(sprite(drawn[:60].permute(0, 2, 3, 1).contiguous().numpy(), 10)))
    return f"sharpness {f / real_power[0]:.2f} {s / real_power[1]:.2f}"
encoder_steps = int(A.encoder_kimg * 1000 / A.batch)
began = time.time(); shown = saved = time.time(); sums = {}
def note(**k):
    for n, v in k.items(): sums.setdefault(n, []).append(float(v.detach()) if torch.is_tensor(v) else float(v))
while time.time() - began < A.minutes * 60:
    t0 = time.time(); rng = torch.Generator().manual_seed(A.seed * 1_000_003 + step)
    chosen = torch.randint(len(images), (A.batch,), generator=rng)
    real = images[chosen].float() / 127.5 - 1
    flip = torch.rand(A.batch, 1, 1, 1, generator=rng) < 0.5
    real = torch.where(flip, real.flip(3), real).contiguous(memory_format=torch.channels_last)
    normal = lambda n: torch.randn(n, old.z_dim, generator=rng)
    def rates(share):
        for k, o in opts.items():
            base = {"synthesis": A.rate, "encoder": 0.01, "critics": A.critic_rate, "details": A.critic_rate}[k]
            for g in o.param_groups: g["lr"] = base * share
    if step < encoder_steps:
        rates(min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / encoder_steps)) + 1e-3)
        with compute.autocast():
            with torch.no_grad():
                ws = old.mapping(normal(A.sampled))[:, 0]
                drawn = F.interpolate(old.synthesize(ws, noise_mode="none").float(), scale_factor=2, mode="bicubic", align_corners=False)
                wanted = features(half(real))
            w = encoder(torch.cat([real, drawn]))
            rebuilt = old.synthesize(w[: A.batch], noise_mode="none").float()
            unlike = feature_error(features(rebuilt), wanted).mean()
        in_pixels = (rebuilt - half(real)).abs().mean(); in_w = (w[A.batch:] - ws).abs().mean()
        loss = in_pixels + A.features * unlike + 0.2 * in_w
        loss.backward(); opts["encoder"].step(); opts["encoder"].zero_grad(set_to_none=True)
        note(pixels=in_pixels, features=unlike, w=in_w)
    else:
        done = (step - encoder_steps) * A.batch
        rates(min(1, (step - encoder_steps + 1) / 50) / (1 + done / (A.decay_kimg * 1000)))
        with compute.autocast():
            with torch.no_grad():
                w = encoder(real); w = w + A.noise * normal(A.batch)
                styles = torch.cat([w, new.mapping(normal(A.sampled))[:, 0]])
                wanted = features(half(real))
            drawn = new.synthesize(styles, noise_mode="none").float()
            rebuilt, sampled = drawn[: A.batch], drawn[A.batch :]
            small = half(drawn)
            unlike = feature_error(features(small[: A.batch]), wanted).mean()
            in_pixels, in_texture = pixels(rebuilt, real), texture(rebuilt, real)
            loss = in_pixels + A.features * unlike + A.texture * in_texture
            weight = torch.cat([torch.full((A.batch,), A.rebuilt_critic / A.batch), torch.full((A.sampled,), 1 / A.sampled)])
            critics.requires_grad_(False); details.requires_grad_(False)
            seen = augment(small, rng, translation=1 / 16, brightness=0.1)
            realness = critics(features(seen))
            loss = loss - A.critic * sum((r.mean(1) * weight).sum() for r in realness)
            fine = [c(l) for c, l in zip(details, levels(drawn), strict=True)]
            loss = loss - A.detail * sum((r.mean(1) * weight).sum() for r in fine)
            critics.requires_grad_(True); details.requires_grad_(True)
        loss.backward(); opts["synthesis"].step(); opts["synthesis"].zero_grad(set_to_none=True)
        new.mapping.zero_grad(set_to_none=True)
        fake = drawn.detach(); pick = torch.cat([torch.arange(A.batch)[: A.sampled // 2], A.batch + torch.arange(A.sampled)])
        with compute.autocast():
            with torch.no_grad():
                true = features(augment(half(real), rng, translation=1 / 16, brightness=0.1)); false = features(augment(half(fake[pick]), rng, translation=1 / 16, brightness=0.1))
            loss_c = sum(F.relu(1 - a).mean() + F.relu(1 + b).mean() for a, b in zip(critics(true), critics(false), strict=True))
            loss_d = sum(F.relu(1 - c(a)).mean() + F.relu(1 + c(b)).mean() for c, a, b in zip(details, levels(real), levels(fake[pick]), strict=True))
        (loss_c + loss_d).backward()
        for k in ("critics", "details"): opts[k].step(); opts[k].zero_grad(set_to_none=True)
        with torch.no_grad():
            beta = 0.5 ** (A.batch / max(min(A.ema_kimg * 1000, done * 0.1), 1e-8))
            torch._foreach_lerp_(list(average.parameters()), list(new.parameters()), 1 - beta)
        note(pixels=in_pixels, features=unlike, texture=in_texture, critics=loss_c, details=loss_d)
    step += 1; spent += time.time() - t0
    if time.time() - shown > 60:
        shown = time.time()
        say(f"{step * A.batch} images, {spent:.0f} s: " + ", ".join(f"{k} {sum(v[-100:]) / len(v[-100:]):.4f}" for k, v in sums.items()))
        sums = {}
    if time.time() - saved > 300:
        saved = time.time(); save()
        if step > encoder_steps: say(f"  average {look(average, 'average')}, last {look(new, 'last')}")
save(); say(f"end: average {look(average, f'average_{step * A.batch}')}, last {look(new, 'last')}")
