output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Subnets of nodes and jobs, a zone each."
  value       = [for subnet in aws_subnet.private : subnet.id]
}

output "private_subnet_cidrs" {
  description = "Addresses of the private subnets."
  value       = [for subnet in aws_subnet.private : subnet.cidr_block]
}

output "public_subnet_ids" {
  description = "Subnets of NAT and load balancer, a zone each."
  value       = [for subnet in aws_subnet.public : subnet.id]
}

output "jobs_security_group_id" {
  description = "Security group of SageMaker and Glue jobs."
  value       = aws_security_group.jobs.id
}

output "flow_log_group" {
  description = "Log group of refused connections."
  value       = aws_cloudwatch_log_group.flow.name
}
