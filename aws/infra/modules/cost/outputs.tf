output "budget" {
  description = "Budget of the month; null without one."
  value       = one(aws_budgets_budget.month[*].name)
}

output "schedules" {
  description = "Schedules of the office hours."
  value       = [for schedule in aws_scheduler_schedule.hours : schedule.name]
}
