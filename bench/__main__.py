"""Run every bench and print its table."""

from bench import cpu, page, samples

if __name__ == "__main__":
    samples.main()
    cpu.main()
    page.main()
