/* The loops over numbers of `compiled_cases` in C, each as a numerical programmer writes it, with an adjoint by hand.

   The method is that of the program under the same name.  A gradient runs forward, keeps what its way back needs on a
   tape, and returns the value; `x_bar` is the derivative of the result by x.  Tapes are on the stack.  Arrays come with
   their length, which is the first parameter; derivatives are written where the last parameters point, one for each
   argument in the case's `argnums`.  Where the program raises, and where a tape is full, the result is nan. */

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 1000 }; /* steps of a loop that ends by a tolerance */

/* ---------------------------------------------------------------- roots */

double newton(double a, double b) {
    double x = 1.0, step = 1.0;
    while (fabs(step) > 1e-12) {
        double e = exp(b * x);
        step = (x * e - a) / (e * (1.0 + b * x));
        x -= step;
    }
    return x;
}

double newton_gradient(double a, double b, double *a_bar, double *b_bar) {
    double xs[MOST], es[MOST];
    double x = 1.0, step = 1.0;
    int n = 0;
    while (fabs(step) > 1e-12) {
        if (n == MOST) return NAN;
        double e = exp(b * x);
        xs[n] = x;
        es[n++] = e;
        step = (x * e - a) / (e * (1.0 + b * x));
        x -= step;
    }
    double x_bar = 1.0, da = 0.0, db = 0.0;
    for (int i = n - 1; i >= 0; i--) {
        double x = xs[i], e = es[i], slope = e * (1.0 + b * x);
        double residual_bar = -x_bar / slope;
        double slope_bar = -residual_bar * (x * e - a) / slope;
        double e_bar = residual_bar * x + slope_bar * (1.0 + b * x);
        double product_bar = slope_bar * e + e_bar * e; /* of b x */
        da -= residual_bar;
        db += product_bar * x;
        x_bar += residual_bar * e + product_bar * b;
    }
    *a_bar = da;
    *b_bar = db;
    return x;
}

static double bisected(double a, double b) {
    double low = 0.0, high = 2.0, middle = 1.0;
    for (int i = 0; i < 100; i++) {
        middle = 0.5 * (low + high);
        if (high - low < 1e-9) break;
        if (middle * middle * middle + a * middle > b)
            high = middle;
        else
            low = middle;
    }
    return middle;
}

double bisection(double a, double b) {
    double x = bisected(a, b);
    return x - (x * x * x + a * x - b) / (3.0 * x * x + a);
}

/* The halved interval does not change with a and b, the last step does. */
double bisection_gradient(double a, double b, double *a_bar, double *b_bar) {
    double x = bisected(a, b);
    double slope = 3.0 * x * x + a, step = (x * x * x + a * x - b) / slope;
    *a_bar = (step - x) / slope;
    *b_bar = 1.0 / slope;
    return x - step;
}

double fixed_point(double a, double b) {
    double x = 1.0;
    for (int i = 0; i < 500; i++) {
        double new = a * cos(b * x);
        if (fabs(new - x) < 1e-13) return new;
        x = new;
    }
    return NAN;
}

double fixed_point_gradient(double a, double b, double *a_bar, double *b_bar) {
    double xs[500], cosines[500], sines[500];
    double x = 1.0, new = x;
    int n = 0;
    do {
        if (n == 500) return NAN;
        xs[n] = x = new;
        cosines[n] = cos(b * x);
        sines[n] = sin(b * x);
        new = a * cosines[n++];
    } while (fabs(new - x) >= 1e-13);
    double x_bar = 1.0, da = 0.0, db = 0.0;
    for (int i = n - 1; i >= 0; i--) {
        double angle_bar = -x_bar * a * sines[i];
        da += x_bar * cosines[i];
        db += angle_bar * xs[i];
        x_bar = angle_bar * b;
    }
    *a_bar = da;
    *b_bar = db;
    return new;
}

/* ---------------------------------------------------------------- simulation */

double adaptive_step_size(double y, double rate, double tolerance) {
    double t = 0.0, h = 0.5;
    while (t < 1.0 - 1e-12) {
        if (t + h > 1.0) h = 1.0 - t;
        double k1 = -rate * y + sin(5.0 * t);
        double k2 = -rate * (y + h * k1) + sin(5.0 * (t + h));
        double error = 0.5 * h * fabs(k2 - k1);
        if (error <= tolerance) {
            t += h;
            y += 0.5 * h * (k1 + k2);
        }
        h *= fmin(2.0, fmax(0.3, 0.9 * sqrt(tolerance / error)));
    }
    return y;
}

struct attempt {
    double h, y, k1, k2, error, factor, cos1, cos2;
    bool is_last;
};

double adaptive_step_size_gradient(double y, double rate, double tolerance, double *y_bar, double *rate_bar) {
    struct attempt tape[MOST];
    double t = 0.0, h = 0.5;
    int n = 0;
    while (t < 1.0 - 1e-12) {
        if (n == MOST) return NAN;
        struct attempt *s = &tape[n++];
        s->is_last = t + h > 1.0;
        if (s->is_last) h = 1.0 - t;
        s->h = h;
        s->y = y;
        s->k1 = -rate * y + sin(5.0 * t);
        s->k2 = -rate * (y + h * s->k1) + sin(5.0 * (t + h));
        s->cos1 = cos(5.0 * t);
        s->cos2 = cos(5.0 * (t + h));
        s->error = 0.5 * h * fabs(s->k2 - s->k1);
        if (s->error <= tolerance) {
            t += h;
            y += 0.5 * h * (s->k1 + s->k2);
        }
        s->factor = fmin(2.0, fmax(0.3, 0.9 * sqrt(tolerance / s->error)));
        h *= s->factor;
    }
    double t_bar = 0.0, h_bar = 0.0, yb = 1.0, rb = 0.0;
    for (int i = n - 1; i >= 0; i--) {
        struct attempt s = tape[i];
        double error_bar = 0.0, k1_bar = 0.0, k2_bar = 0.0;
        if (0.3 < s.factor && s.factor < 2.0) error_bar = -0.5 * h_bar * s.h * s.factor / s.error;
        h_bar *= s.factor;
        if (s.error <= tolerance) {
            h_bar += t_bar + 0.5 * yb * (s.k1 + s.k2);
            k1_bar = k2_bar = 0.5 * s.h * yb;
        }
        double difference_bar = 0.5 * error_bar * copysign(s.h, s.k2 - s.k1);
        h_bar += 0.5 * error_bar * fabs(s.k2 - s.k1);
        k2_bar += difference_bar;
        k1_bar -= difference_bar;
        rb -= k2_bar * (s.y + s.h * s.k1);
        yb -= rate * k2_bar;
        h_bar += (5.0 * s.cos2 - rate * s.k1) * k2_bar;
        t_bar += 5.0 * s.cos2 * k2_bar;
        k1_bar -= rate * s.h * k2_bar;
        rb -= k1_bar * s.y;
        yb -= rate * k1_bar;
        t_bar += 5.0 * s.cos1 * k1_bar;
        if (s.is_last) {
            t_bar -= h_bar;
            h_bar = 0.0;
        }
    }
    *y_bar = yb;
    *rate_bar = rb;
    return y;
}

double branching_map(double x, double r, long n) {
    for (long i = 0; i < n; i++) {
        if (x < 0.5)
            x = r * x * (1.0 - x) + 0.01;
        else
            x -= 0.3 * sin(r * x);
    }
    return x;
}

double branching_map_gradient(double x, double r, long n, double *x_bar, double *r_bar) {
    double xs[n], cosines[n];
    for (long i = 0; i < n; i++) {
        xs[i] = x;
        if (x < 0.5)
            x = r * x * (1.0 - x) + 0.01;
        else {
            cosines[i] = cos(r * x);
            x -= 0.3 * sin(r * x);
        }
    }
    double xb = 1.0, rb = 0.0;
    for (long i = n - 1; i >= 0; i--) {
        if (xs[i] < 0.5) {
            rb += xb * xs[i] * (1.0 - xs[i]);
            xb *= r * (1.0 - 2.0 * xs[i]);
        } else {
            double angle_bar = -0.3 * xb * cosines[i];
            rb += angle_bar * xs[i];
            xb += angle_bar * r;
        }
    }
    *x_bar = xb;
    *r_bar = rb;
    return x;
}

static void heat_step(long n, double kappa, const double *restrict old, double *restrict new) {
    for (long i = 1; i < n - 1; i++) new[i] = old[i] + kappa * (old[i - 1] - 2.0 * old[i] + old[i + 1]);
}

double heat(long n, const double *u, double kappa, long steps) {
    double first[n], second[n], *old = first, *new = second;
    memcpy(old, u, n * sizeof *u);
    memcpy(new, u, n * sizeof *u);
    for (long t = 0; t < steps; t++) {
        heat_step(n, kappa, old, new);
        double *swap = old;
        old = new;
        new = swap;
    }
    double total = 0.0;
    for (long i = 0; i < n; i++) total += old[i] * old[i];
    return total;
}

/* A step is its own transpose, but for the cells at the ends: these stay, and act on their neighbours. */
double heat_gradient(long n, const double *u, double kappa, long steps, double *u_bar, double *kappa_bar) {
    double us[steps + 1][n];
    memcpy(us[0], u, n * sizeof *u);
    for (long t = 0; t < steps; t++) {
        us[t + 1][0] = u[0];
        us[t + 1][n - 1] = u[n - 1];
        heat_step(n, kappa, us[t], us[t + 1]);
    }
    double total = 0.0, first[n], second[n], *new = first, *old = second;
    for (long i = 0; i < n; i++) {
        total += us[steps][i] * us[steps][i];
        new[i] = 2.0 * us[steps][i];
    }
    double left = 2.0 * us[steps][0], right = 2.0 * us[steps][n - 1], kb = 0.0;
    new[0] = new[n - 1] = old[0] = old[n - 1] = 0.0;
    for (long t = steps - 1; t >= 0; t--) {
        left += kappa * new[1];
        right += kappa * new[n - 2];
        for (long i = 1; i < n - 1; i++) kb += new[i] * (us[t][i - 1] - 2.0 * us[t][i] + us[t][i + 1]);
        heat_step(n, kappa, new, old);
        double *swap = old;
        old = new;
        new = swap;
    }
    memcpy(u_bar, new, n * sizeof *u);
    u_bar[0] = left;
    u_bar[n - 1] = right;
    *kappa_bar = kb;
    return total;
}

/* ---------------------------------------------------------------- quadrature, polynomials, linear systems */

double simpson(double a, double b, double k, long n) {
    double h = (b - a) / (2 * n), total = exp(-k * a * a) + exp(-k * b * b);
    for (long i = 1; i < 2 * n; i++) {
        double x = a + i * h;
        total += (i % 2 ? 4.0 : 2.0) * exp(-k * x * x);
    }
    return total * h / 3.0;
}

/* Nodes do not depend on one another: their derivatives are added on the way forward. */
double simpson_gradient(double a, double b, double k, long n, double *a_bar, double *b_bar, double *k_bar) {
    double h = (b - a) / (2 * n), ea = exp(-k * a * a), eb = exp(-k * b * b);
    double total = ea + eb, squares = a * a * ea + b * b * eb, nodes = 0.0, steps = 0.0;
    for (long i = 1; i < 2 * n; i++) {
        double x = a + i * h, e = (i % 2 ? 4.0 : 2.0) * exp(-k * x * x);
        total += e;
        squares += x * x * e;
        nodes += x * e;
        steps += i * x * e;
    }
    double h_bar = total / 3.0 - 2.0 * k * steps * h / 3.0;
    *a_bar = -2.0 * k * (nodes + a * ea) * h / 3.0 - h_bar / (2 * n);
    *b_bar = -2.0 * k * b * eb * h / 3.0 + h_bar / (2 * n);
    *k_bar = -squares * h / 3.0;
    return total * h / 3.0;
}

double horner(long n, const double *coefficients, double x) {
    double value = 0.0;
    for (long i = 0; i < n; i++) value = value * x + coefficients[i];
    return value;
}

double horner_gradient(long n, const double *coefficients, double x, double *restrict coefficients_bar, double *x_bar) {
    double values[n], value = 0.0;
    for (long i = 0; i < n; i++) {
        values[i] = value;
        value = value * x + coefficients[i];
    }
    double value_bar = 1.0, xb = 0.0;
    for (long i = n - 1; i >= 0; i--) {
        coefficients_bar[i] = value_bar;
        xb += value_bar * values[i];
        value_bar *= x;
    }
    *x_bar = xb;
    return value;
}

double tridiagonal(long n, const double *lower, const double *diag, const double *upper, const double *rhs) {
    double c[n], d[n];
    c[0] = upper[0] / diag[0];
    d[0] = rhs[0] / diag[0];
    for (long i = 1; i < n; i++) {
        double m = 1.0 / (diag[i] - lower[i] * c[i - 1]);
        c[i] = upper[i] * m;
        d[i] = (rhs[i] - lower[i] * d[i - 1]) * m;
    }
    double s = d[n - 1] * d[n - 1];
    for (long i = n - 2; i >= 0; i--) {
        d[i] -= c[i] * d[i + 1];
        s += d[i] * d[i];
    }
    return s;
}

double tridiagonal_gradient(long n, const double *lower, const double *diag, const double *upper, const double *rhs,
                            double *restrict lower_bar, double *restrict diag_bar, double *restrict upper_bar,
                            double *restrict rhs_bar) {
    double m[n], c[n], d[n], x[n], d_bar[n];
    m[0] = 1.0 / diag[0];
    c[0] = upper[0] / diag[0];
    d[0] = rhs[0] / diag[0];
    for (long i = 1; i < n; i++) {
        m[i] = 1.0 / (diag[i] - lower[i] * c[i - 1]);
        c[i] = upper[i] * m[i];
        d[i] = (rhs[i] - lower[i] * d[i - 1]) * m[i];
    }
    x[n - 1] = d[n - 1];
    double s = x[n - 1] * x[n - 1];
    for (long i = n - 2; i >= 0; i--) {
        x[i] = d[i] - c[i] * x[i + 1];
        s += x[i] * x[i];
    }
    d_bar[0] = 2.0 * x[0];
    for (long i = 1; i < n; i++) d_bar[i] = 2.0 * x[i] - c[i - 1] * d_bar[i - 1];
    double c_bar = 0.0;
    for (long i = n - 1; i > 0; i--) {
        rhs_bar[i] = d_bar[i] * m[i];
        upper_bar[i] = c_bar * m[i];
        diag_bar[i] = -(d_bar[i] * d[i] + c_bar * c[i]) * m[i];
        lower_bar[i] = -rhs_bar[i] * d[i - 1] - diag_bar[i] * c[i - 1];
        c_bar = -d_bar[i - 1] * x[i] - diag_bar[i] * lower[i];
        d_bar[i - 1] -= rhs_bar[i] * lower[i];
    }
    rhs_bar[0] = d_bar[0] * m[0];
    upper_bar[0] = c_bar * m[0];
    diag_bar[0] = -(d_bar[0] * d[0] + c_bar * c[0]) * m[0];
    lower_bar[0] = 0.0;
    return s;
}

/* ---------------------------------------------------------------- statistics */

double kalman(long n, const double *y, double process, double noise) {
    double mean = 0.0, variance = 1.0, log_likelihood = 0.0;
    for (long i = 0; i < n; i++) {
        variance += process;
        double total = variance + noise, surprise = y[i] - mean;
        log_likelihood -= 0.5 * (log(2.0 * M_PI * total) + surprise * surprise / total);
        double gain = variance / total;
        mean += gain * surprise;
        variance *= 1.0 - gain;
    }
    return log_likelihood;
}

double kalman_gradient(long n, const double *y, double process, double noise, double *restrict y_bar,
                       double *process_bar, double *noise_bar) {
    double variances[n], totals[n], surprises[n], gains[n];
    double mean = 0.0, variance = 1.0, log_likelihood = 0.0;
    for (long i = 0; i < n; i++) {
        variances[i] = variance += process;
        double total = totals[i] = variance + noise, surprise = surprises[i] = y[i] - mean;
        log_likelihood -= 0.5 * (log(2.0 * M_PI * total) + surprise * surprise / total);
        double gain = gains[i] = variance / total;
        mean += gain * surprise;
        variance *= 1.0 - gain;
    }
    double mean_bar = 0.0, variance_bar = 0.0, pb = 0.0, nb = 0.0;
    for (long i = n - 1; i >= 0; i--) {
        double total = totals[i], surprise = surprises[i], gain = gains[i];
        double gain_bar = mean_bar * surprise - variance_bar * variances[i];
        double share = surprise / total;
        double total_bar = -gain_bar * gain / total - 0.5 / total + 0.5 * share * share;
        double surprise_bar = mean_bar * gain - share;
        y_bar[i] = surprise_bar;
        mean_bar -= surprise_bar;
        variance_bar = variance_bar * (1.0 - gain) + gain_bar / total + total_bar;
        nb += total_bar;
        pb += variance_bar;
    }
    *process_bar = pb;
    *noise_bar = nb;
    return log_likelihood;
}

double garch(long n, const double *returns, double omega, double alpha, double beta) {
    double variance = omega / (1.0 - alpha - beta), total = 0.0;
    for (long t = 0; t < n; t++) {
        double square = returns[t] * returns[t];
        total += 0.5 * (log(variance) + square / variance);
        variance = omega + alpha * square + beta * variance;
    }
    return total;
}

double garch_gradient(long n, const double *returns, double omega, double alpha, double beta,
                      double *restrict returns_bar, double *omega_bar, double *alpha_bar, double *beta_bar) {
    double variances[n], start = omega / (1.0 - alpha - beta), variance = start, total = 0.0;
    for (long t = 0; t < n; t++) {
        double square = returns[t] * returns[t];
        variances[t] = variance;
        total += 0.5 * (log(variance) + square / variance);
        variance = omega + alpha * square + beta * variance;
    }
    double variance_bar = 0.0, ob = 0.0, ab = 0.0, bb = 0.0;
    for (long t = n - 1; t >= 0; t--) {
        double r = returns[t], share = r / variances[t];
        returns_bar[t] = 2.0 * alpha * r * variance_bar + share;
        ob += variance_bar;
        ab += variance_bar * r * r;
        bb += variance_bar * variances[t];
        variance_bar = beta * variance_bar + 0.5 / variances[t] - 0.5 * share * share;
    }
    double quotient_bar = variance_bar / (1.0 - alpha - beta);
    *omega_bar = ob + quotient_bar;
    *alpha_bar = ab + quotient_bar * start;
    *beta_bar = bb + quotient_bar * start;
    return total;
}

/* ---------------------------------------------------------------- signals */

double biquad(long n, const double *signal, double b0, double b1, double b2, double a1, double a2) {
    double x1 = 0.0, x2 = 0.0, y1 = 0.0, y2 = 0.0, total = 0.0;
    for (long i = 0; i < n; i++) {
        double y = b0 * signal[i] + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
        total += y * y;
        x2 = x1;
        x1 = signal[i];
        y2 = y1;
        y1 = y;
    }
    return total;
}

double biquad_gradient(long n, const double *signal, double b0, double b1, double b2, double a1, double a2,
                       double *restrict signal_bar, double *b0_bar, double *b1_bar, double *b2_bar, double *a1_bar,
                       double *a2_bar) {
    double padded_x[n + 2], padded_y[n + 2], *x = padded_x + 2, *y = padded_y + 2, total = 0.0;
    x[-2] = x[-1] = y[-2] = y[-1] = 0.0;
    for (long i = 0; i < n; i++) {
        x[i] = signal[i];
        y[i] = b0 * x[i] + b1 * x[i - 1] + b2 * x[i - 2] - a1 * y[i - 1] - a2 * y[i - 2];
        total += y[i] * y[i];
    }
    double next = 0.0, after = 0.0; /* derivatives by y[i + 1] and y[i + 2] */
    double db0 = 0.0, db1 = 0.0, db2 = 0.0, da1 = 0.0, da2 = 0.0;
    for (long i = n - 1; i >= 0; i--) {
        double here = 2.0 * y[i] - a1 * next - a2 * after;
        signal_bar[i] = b0 * here + b1 * next + b2 * after;
        db0 += here * x[i];
        db1 += here * x[i - 1];
        db2 += here * x[i - 2];
        da1 -= here * y[i - 1];
        da2 -= here * y[i - 2];
        after = next;
        next = here;
    }
    *b0_bar = db0;
    *b1_bar = db1;
    *b2_bar = db2;
    *a1_bar = da1;
    *a2_bar = da2;
    return total;
}

double smoothing(long n, const double *signal, double level, double trend) {
    double l = signal[0], b = signal[1] - signal[0], error = 0.0;
    for (long i = 1; i < n; i++) {
        double forecast = l + b, before = l;
        error += (signal[i] - forecast) * (signal[i] - forecast);
        l = level * signal[i] + (1.0 - level) * forecast;
        b = trend * (l - before) + (1.0 - trend) * b;
    }
    return error;
}

double smoothing_gradient(long n, const double *signal, double level, double trend, double *restrict signal_bar,
                          double *level_bar, double *trend_bar) {
    double ls[n], bs[n], error = 0.0;
    ls[0] = signal[0];
    bs[0] = signal[1] - signal[0];
    for (long i = 1; i < n; i++) {
        double forecast = ls[i - 1] + bs[i - 1];
        error += (signal[i] - forecast) * (signal[i] - forecast);
        ls[i] = level * signal[i] + (1.0 - level) * forecast;
        bs[i] = trend * (ls[i] - ls[i - 1]) + (1.0 - trend) * bs[i - 1];
    }
    double l_bar = 0.0, b_bar = 0.0, level_sum = 0.0, trend_sum = 0.0;
    for (long i = n - 1; i > 0; i--) {
        double surprise = signal[i] - ls[i - 1] - bs[i - 1];
        double new_bar = l_bar + trend * b_bar;
        double forecast_bar = (1.0 - level) * new_bar - 2.0 * surprise;
        signal_bar[i] = level * new_bar + 2.0 * surprise;
        level_sum += new_bar * surprise;
        trend_sum += b_bar * (ls[i] - ls[i - 1] - bs[i - 1]);
        l_bar = forecast_bar - trend * b_bar;
        b_bar = forecast_bar + (1.0 - trend) * b_bar;
    }
    signal_bar[0] = l_bar - b_bar;
    signal_bar[1] += b_bar;
    *level_bar = level_sum;
    *trend_bar = trend_sum;
    return error;
}
