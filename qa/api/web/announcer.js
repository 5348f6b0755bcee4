// One announcement for each settled answer, in two live regions by turns: the same words twice are then heard twice.

export class Announcer {
  constructor(...regions) {
    this.regions = regions;
    this.turn = 0;
    this.timer = 0;
  }

  cancel() {
    clearTimeout(this.timer);
  }

  say(words, afterMs = 0) {
    this.cancel();
    this.timer = setTimeout(() => {
      this.regions[this.turn].textContent = "";
      this.turn = (this.turn + 1) % this.regions.length;
      this.regions[this.turn].textContent = words;
    }, afterMs);
  }
}
