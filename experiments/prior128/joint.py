"""Encoder and synthesis go on learning together at 64 px, by regression alone (pixels, colour, face features)."""
import os
import argparse, copy, math, time, torch, torch.nn.functional as F
from pathlib import Path
from mia_demo.data.identities import open_identity_set
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import public_split
from mia_demo.metrics.prior_quality import sample_images
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import feature_error
from mia_demo.system.device import choose_compute
from mia_demo.training.prior_losses import pixel_error
from mia_demo.zoo.opening import open_zoo
p = argparse.ArgumentParser(); p.add_argument("--minutes", type=float, default=40); p.add_argument("--rate", type=float, default=0.004); p.add_argument("--batch", type=int, default=20); p.add_argument("--noise", type=float, default=0.1)
A = p.parse_args(); A.out = Path(os.environ["WORK"])
torch.manual_seed(6); compute = choose_compute("cpu"); zoo = open_zoo(); features = zoo.load_features(); base = torch.load(os.environ["WORK"] + "/base.pt", weights_only=True); new = zoo.load_prior().float(); new.load_state_dict(base["new"]); new.requires_grad_(True); new.mapping.requires_grad_(False)
encoder = Encoder(resolution=128, w_dim=new.w_dim, channel_base=1024, channel_max=192); encoder.load_state_dict(base["encoder"])
for m in (new, features, encoder): compute.place(m)
average, enc_average = copy.deepcopy(new).requires_grad_(False), copy.deepcopy(encoder).requires_grad_(False)
public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip"))); used, held = public_split(public)
images, _ = public.tensors(128, labels=used); himages, _ = public.tensors(128, labels=held[:100])
unit = lambda x: x.float() / 127.5 - 1
chroma = lambda x: x - x.mean(1, keepdim=True)
opt = torch.optim.Adam([*new.synthesis.parameters(), *encoder.parameters()], A.rate, betas=(0.9, 0.99))
def measure():
    with torch.no_grad(), compute.autocast():
        e = []; f = []
        for b in himages.split(50):
            x = F.avg_pool2d(unit(b), 2); y = average.synthesize(enc_average(unit(b)), noise_mode="none").float(); e.append(pixel_error(y, x).item()); f.append(feature_error(features(y), features(x)).mean().item())
        (A.out / "held.png").write_bytes(png(sprite(torch.stack([x[:20], y[:20]], 1).flatten(0, 1).add(1).mul(127.5).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy(), 10)))
    return f"held-out pixels {sum(e) / len(e):.4f} features {sum(f) / len(f):.4f}"
def save(): torch.save({"new": average.state_dict(), "encoder": enc_average.state_dict()}, A.out / "base.tmp"); (A.out / "base.tmp").replace(A.out / "base.pt")
print("start", measure(), flush=True); step = 0; began = time.time(); shown = saved = began; sums = {}
while (t := (time.time() - began) / 60 / A.minutes) < 1:
    g = torch.Generator().manual_seed(step + 9); rate = A.rate * min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * t)) + 0.02)
    for gr in opt.param_groups: gr["lr"] = rate
    real = unit(images[torch.randint(len(images), (A.batch,), generator=g)]); flip = torch.rand(A.batch, 1, 1, 1, generator=g) < 0.5; real = torch.where(flip, real.flip(3), real).contiguous(memory_format=torch.channels_last)
    x = F.avg_pool2d(real, 2)
    with compute.autocast():
        w = encoder(real); y = new.synthesize(w + A.noise * torch.randn(w.shape, generator=g), noise_mode="none").float()
        with torch.no_grad(): wanted = features(x)
        err = feature_error(features(y), wanted).mean(); px = pixel_error(y, x); col = (chroma(y) - chroma(x)).abs().mean()
        loss = px + col + 2 * err
    loss.backward(); opt.step(); opt.zero_grad(set_to_none=True); step += 1
    with torch.no_grad():
        b = 1 - min(0.998, step / (step + 20)); torch._foreach_lerp_(list(average.parameters()), list(new.parameters()), b); torch._foreach_lerp_(list(enc_average.parameters()), list(encoder.parameters()), b)
    for k, v in (("pixels", px), ("features", err), ("colour", col), ("w", w.float().std())): sums.setdefault(k, []).append(float(v.detach()))
    if time.time() - shown > 60: shown = time.time(); print(f"{step} steps {step * A.batch} images {shown - began:.0f} s " + " ".join(f"{k} {sum(v) / len(v):.4f}" for k, v in sums.items()), flush=True); sums = {}
    if time.time() - saved > 300: saved = time.time(); save(); print(measure(), flush=True)
save(); print("end", measure(), flush=True)
