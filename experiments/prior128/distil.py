"""Distils the old prior followed by the restorer into one StyleGAN2 of 128 px. torchrun --nproc-per-node 2 distil.py OUT --restorer FILE --minutes 60"""
import argparse, copy, json, math, os, time, sys
from pathlib import Path
import torch, torch.nn.functional as F, torch.distributed as dist
from torch import nn
from safetensors.torch import save_file
from mia_demo.data.identities import open_identity_set
from mia_demo.data.pictures import png, sprite
from mia_demo.data.splits import public_split
from mia_demo.metrics.prior_quality import sample_images
from mia_demo.metrics.sharpness import octave_powers
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import feature_error
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import choose_compute
from mia_demo.zoo.opening import open_zoo
from restore import Restorer, StageCritic, crops, cut, gauss
p = argparse.ArgumentParser();   p.add_argument("--minutes", type=float, default=60)
p.add_argument("--rate", type=float, default=0.006); p.add_argument("--critic", type=float, default=0.0); p.add_argument("--perceptual", type=float, default=0.5)
p.add_argument("--batch", type=int, default=12); p.add_argument("--real-share", type=float, default=0.4); p.add_argument("--sharpen", type=float, default=0.0, help="of the teacher, by an unsharp mask"); p.add_argument("--critics-after", type=float, default=0.4, help="share of the time")
A = p.parse_args(); A.out = Path(os.environ["WORK"])
rank, world = 0, 1
if "RANK" in os.environ: dist.init_process_group("gloo"); rank, world = dist.get_rank(), dist.get_world_size(); os.sched_setaffinity(0, {rank})
torch.manual_seed(4); compute = choose_compute("cpu"); zoo = open_zoo()
old = zoo.load_prior().float().requires_grad_(False); base = torch.load(os.environ["WORK"] + "/base.pt", weights_only=True); old.load_state_dict(base["new"])
new = Generator(z_dim=old.z_dim, w_dim=old.w_dim, resolution=128, channel_base=2048, channel_max=192, mapping_layers=old.mapping.num_layers)
kept = {k: v.float() for k, v in old.state_dict().items() if k in new.state_dict() and new.state_dict()[k].shape == v.shape}
new.load_state_dict(kept, strict=False); nn.init.zeros_(new.synthesis.b128.torgb.weight)
fine = zoo.load_features(); fine.network.load_state_dict(torch.load(os.environ["WORK"] + "/features128.pt", weights_only=True), strict=False); fine.requires_grad_(False)
encoder = Encoder(resolution=128, w_dim=old.w_dim, channel_base=1024, channel_max=192).requires_grad_(False); encoder.load_state_dict(base["encoder"])
restorer = Restorer().requires_grad_(False); restorer.load_state_dict(torch.load(os.environ["WORK"] + "/restorer.pt", weights_only=True))
critics = nn.ModuleList([StageCritic(16, 2), StageCritic(32, 1), StageCritic(64, 0)])
for m in (old, new, fine, encoder, restorer, critics): compute.place(m)
average = copy.deepcopy(new).requires_grad_(False)
opt = torch.optim.Adam(new.synthesis.parameters(), A.rate, betas=(0.9, 0.99)); 
if (A.out / "student.pt").exists(): state = torch.load(A.out / "student.pt", weights_only=True); new.load_state_dict(state["new"]); average.load_state_dict(state["average"]); opt.load_state_dict(state["opt"])
opt_c = torch.optim.Adam(critics.parameters(), 5e-4, betas=(0.0, 0.99))
public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip"))); used, held = public_split(public)
images, _ = public.tensors(128, labels=used)
unit = lambda x: x.float() / 127.5 - 1
stages = lambda x: fine(x)[:3]
with torch.no_grad():
    for c, f in zip(critics, stages(unit(images[:64, :, 32:96, 32:96])), strict=True): c.mean.copy_(f.float().mean((0, 2, 3))); c.scale.copy_(1 / (f.float().std((0, 2, 3)) + 1e-3))
    codes = torch.load(os.environ["WORK"] + "/codes.pt", weights_only=True)
def reduce(params):
    if world == 1: return
    params = [q for q in params if q.grad is not None]; flat = torch.cat([q.grad.flatten() for q in params]); dist.all_reduce(flat); flat /= world
    for q, g in zip(params, flat.split([q.numel() for q in params])): q.grad.copy_(g.view_as(q))
if rank == 0:
    himages, _ = public.tensors(128, labels=held); real_power = octave_powers(himages[:800]); log = (A.out / "log.txt").open("a")
    def say(t): log.write(t + "\n"); log.flush(); print(t, flush=True)
    say(json.dumps({k: str(v) for k, v in vars(A).items()}))
    def look(m, name):
        with torch.no_grad(): d = sample_images(m, 200, compute, seed=1)
        (A.out / f"student_{name}.png").write_bytes(png(sprite(d[:60].permute(0, 2, 3, 1).contiguous().numpy(), 10)))
        f, s = octave_powers(d); return f"sharpness {f / real_power[0]:.2f} {s / real_power[1]:.2f}"
    def save(): save_file({k: v.half().contiguous() for k, v in average.state_dict().items()}, A.out / "prior128.safetensors"); torch.save({"new": new.state_dict(), "average": average.state_dict(), "opt": opt.state_dict()}, A.out / "student.pt")
step = 0; began = time.time(); shown = saved = began; sums = {}
while True:
    t = torch.tensor((time.time() - began) / 60 / A.minutes)
    if world > 1: dist.broadcast(t, 0)
    t = t.item()
    if t >= 1: break
    g = torch.Generator().manual_seed((step * world + rank) * 7 + 1)
    for o, base in ((opt, A.rate), (opt_c, 5e-4)):
        for gr in o.param_groups: gr["lr"] = base * min(1, (step + 1) / 50) * (0.5 * (1 + math.cos(math.pi * t)) + 0.01)
    n = A.batch; k = round(n * A.real_share)
    with compute.autocast(), torch.no_grad():
        i = torch.randint(len(codes), (k,), generator=g)
        w = torch.cat([codes[i] + 0.1 * torch.randn(k, old.w_dim, generator=g), old.mapping(torch.randn(n - k, old.z_dim, generator=g))[:, 0]])
        wanted = restorer(old.synthesize(w, noise_mode="none").float().clamp(-1, 1).contiguous(memory_format=torch.channels_last))
        wanted = (wanted + A.sharpen * (wanted - gauss(wanted.float(), 0.7))).clamp(-1, 1)
    where = crops(g, n); with_critics = t > A.critics_after and A.critic > 0
    with compute.autocast():
        y = new.synthesize(w, noise_mode="none").float(); patch = cut(y, where); seen = stages(patch)
        with torch.no_grad(): target = stages(cut(wanted, where))
        l1 = (y - wanted).abs().mean(); coarse = (F.avg_pool2d(y, 4) - F.avg_pool2d(wanted, 4)).abs().mean(); err = feature_error(seen, target).mean()
        loss = l1 + coarse + A.perceptual * err
        if with_critics:
            critics.requires_grad_(False); loss = loss - A.critic * sum(c(s).mean() for c, s in zip(critics, seen)); critics.requires_grad_(True)
    loss.backward(); reduce(new.synthesis.parameters()); opt.step(); new.zero_grad(set_to_none=True)
    loss_c = torch.zeros(())
    if t > A.critics_after - 0.05 and A.critic > 0:
        with compute.autocast():
            real = unit(images[torch.randint(len(images), (n,), generator=g)])
            with torch.no_grad(): true = stages(cut(real, crops(g, n)))
            loss_c = sum(F.relu(1 - c(a)).mean() + F.relu(1 + c(b.detach())).mean() for c, a, b in zip(critics, true, seen))
        loss_c.backward(); reduce(critics.parameters()); opt_c.step(); critics.zero_grad(set_to_none=True)
    step += 1
    with torch.no_grad(): torch._foreach_lerp_(list(average.parameters()), list(new.parameters()), 1 - min(0.995, step / (step + 10)))
    if rank == 0:
        for name, v in (("l1", l1), ("coarse", coarse), ("features", err), ("critics", loss_c)): sums.setdefault(name, []).append(float(v.detach()))
        if time.time() - shown > 60: shown = time.time(); say(f"{step} steps {step * n * world} images {shown - began:.0f} s " + " ".join(f"{a} {sum(v) / len(v):.4f}" for a, v in sums.items())); sums = {}
        if time.time() - saved > 420: saved = time.time(); save(); say("average " + look(average, "average"))
if rank == 0: save(); say("end average " + look(average, "average") + " last " + look(new, "last"))
